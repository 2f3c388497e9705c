//! Connections that are open for as long as a test wants, many at a time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::conversation::accept;
use super::payload;
use crate::lab::{Family, Lab, Ns};
use crate::truth::{Count, Truth};
use crate::wait::PATIENCE;

/// Written at a time where it is much.
const CHUNK_BYTES: u64 = 1 << 18;

/// Both ends of a connection between a client and the remote.
pub struct Held {
    client: TcpStream,
    remote: TcpStream,
    sent: u64,
    received: u64,
}

/// The remote's listener, on a port that the kernel chooses.
pub fn listen(lab: &Lab, family: Family) -> Result<TcpListener> {
    let address = SocketAddr::new(Ns::Remote.address(family), 0);
    lab.enter(Ns::Remote, || Ok(TcpListener::bind(address)?))
}

/// Opens so many connections, one after the other.
pub fn open(lab: &Lab, client: Ns, listener: &TcpListener, count: usize) -> Result<Vec<Held>> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    let address = listener.local_addr()?;
    lab.enter(client, || {
        let open = |_| {
            let client = TcpStream::connect(address)?;
            let remote = accept(listener)?;
            Ok(Held {
                client,
                remote,
                sent: 0,
                received: 0,
            })
        };
        (0..count).map(open).collect()
    })
}

impl Held {
    /// So many bytes each way.
    pub fn exchange(&mut self, up: u64, down: u64) -> Result<()> {
        pass(&mut self.client, &mut self.remote, up)?;
        pass(&mut self.remote, &mut self.client, down)?;
        self.sent += up;
        self.received += down;
        Ok(())
    }

    /// The client sends as fast as it goes until `is_over`, and FIN then.
    pub fn upload_until(&mut self, is_over: &AtomicBool) -> Result<()> {
        self.sent += pour(&self.client, &self.remote, is_over)?;
        Ok(())
    }

    /// The remote sends so.
    pub fn download_until(&mut self, is_over: &AtomicBool) -> Result<()> {
        self.received += pour(&self.remote, &self.client, is_over)?;
        Ok(())
    }

    /// The client's address, and what the remote sees instead.
    pub fn mapping(&self) -> Result<(SocketAddr, SocketAddr)> {
        Ok((self.client.local_addr()?, self.remote.peer_addr()?))
    }

    /// Closes both ends, the client's first, and tells what there was.
    pub fn close(self, label: &str) -> Result<Truth> {
        let (client, translated) = self.mapping()?;
        let remote = self.client.peer_addr()?;
        drop(self.client);
        let rest = (&self.remote).read(&mut [0])?;
        ensure!(rest == 0, "there was more to read");
        Ok(Truth {
            label: label.to_owned(),
            client: client.ip(),
            client_port: Some(client.port()),
            remote,
            translated: translated.ip(),
            translated_port: Some(translated.port()),
            sent: Count::Exact(self.sent),
            received: Count::Exact(self.received),
            reasons: &["fin"],
        })
    }
}

/// Little enough to be in the sockets' buffers.
fn pass(from: &mut TcpStream, to: &mut TcpStream, bytes: u64) -> Result<()> {
    let payload = payload(bytes);
    from.write_all(&payload)?;
    let mut got = vec![0; payload.len()];
    to.read_exact(&mut got).context("not all has come")?;
    ensure!(got == payload, "something else has come");
    Ok(())
}

/// As fast as it goes until `is_over`, and to the FIN; how many bytes.
fn pour(from: &TcpStream, to: &TcpStream, is_over: &AtomicBool) -> Result<u64> {
    from.set_write_timeout(Some(PATIENCE))?;
    to.set_read_timeout(Some(PATIENCE))?;
    let (sent, received) = thread::scope(|scope| {
        let receiver = scope.spawn(move || io::copy(&mut &*to, &mut io::sink()));
        let sent = send_until(from, is_over);
        from.shutdown(Shutdown::Write)?;
        anyhow::Ok((sent?, receiver.join().expect("the receiver's thread")?))
    })?;
    ensure!(received == sent, "{received} of {sent} bytes have come");
    Ok(sent)
}

fn send_until(mut to: &TcpStream, is_over: &AtomicBool) -> Result<u64> {
    let chunk = payload(CHUNK_BYTES);
    let start = Instant::now();
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) {
        ensure!(start.elapsed() < PATIENCE, "nobody has ended it");
        to.write_all(&chunk)?;
        sent += CHUNK_BYTES;
    }
    Ok(sent)
}
