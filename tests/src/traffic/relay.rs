//! A relay inside the client that opens the TCP connection in the place of a
//! program that does not count, and counts. The program talks to it through a
//! local socket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::unique_tag;
use crate::lab::Lab;
use crate::wait::PATIENCE;

/// A relay for one connection that waits for its program.
pub struct Relay {
    listener: UnixListener,
    path: PathBuf,
}

/// What the relay's TCP socket counted.
pub struct Relayed {
    pub local: SocketAddr,
    pub sent: u64,
    pub received: u64,
}

impl Relay {
    pub fn new(lab: &Lab) -> Result<Self> {
        let path = lab.dir().join(format!("relay-{}", unique_tag()));
        let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
        // The program may fail before it comes.
        let patience = TimeVal::seconds(PATIENCE.as_secs().cast_signed());
        setsockopt(&listener, sockopt::ReceiveTimeout, &patience)?;
        Ok(Self { listener, path })
    }

    /// The command that a program runs to come here.
    pub fn proxy_command(&self) -> String {
        format!("socat -t 60 - UNIX-CONNECT:{}", self.path.display())
    }

    /// Serves one connection to its end, in the namespace of the calling
    /// thread.
    pub fn serve(self, remote: SocketAddr) -> Result<Relayed> {
        let (program, _) = self.listener.accept().context("no program has come")?;
        let net = TcpStream::connect_timeout(&remote, PATIENCE)?;
        net.set_nodelay(true)?;
        net.set_read_timeout(Some(PATIENCE))?;
        let local = net.local_addr()?;
        std::thread::scope(|scope| {
            let up = scope.spawn(|| send(&program, &net));
            let received = receive(&net, &program)?;
            let sent = up.join().expect("the relay's thread")?;
            Ok(Relayed {
                local,
                sent,
                received,
            })
        })
    }
}

fn send(mut program: &UnixStream, mut net: &TcpStream) -> io::Result<u64> {
    let mut buffer = [0; 65536];
    let mut sent = 0;
    loop {
        let read = program.read(&mut buffer)?;
        if read == 0 {
            net.shutdown(Shutdown::Write)?;
            return Ok(sent);
        }
        net.write_all(&buffer[..read])?;
        sent += read as u64;
    }
}

/// Reads to the end also when the program is gone: those bytes were on the
/// wire.
fn receive(mut net: &TcpStream, mut program: &UnixStream) -> io::Result<u64> {
    let mut buffer = [0; 65536];
    let mut received = 0;
    loop {
        let read = net.read(&mut buffer)?;
        if read == 0 {
            let _ = program.shutdown(Shutdown::Write);
            return Ok(received);
        }
        received += read as u64;
        let _ = program.write_all(&buffer[..read]);
    }
}
