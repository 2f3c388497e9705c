//! Short connections, as fast as they can be made: clients that connect, say that they are done and
//! wait for the end, and a remote that accepts and closes. Each client has an address, and a remote
//! with another one, so that no port is needed twice.

use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::{Family, Lab, Ns};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

/// Clients at a time, one connection each.
pub const CLIENTS: u8 = 4;
const FIRST_PORT: u16 = 8_000;
const PATIENCE_S: i64 = 30;

/// Adds addresses of clients and remotes to the lab; each client goes to its remote.
pub fn make_hosts(lab: &Lab) -> Result<()> {
    let gateway = Ns::Gateway.address(Family::V4);
    for number in 0..CLIENTS {
        let (client, remote) = (client(number), remote(number));
        lab.run(Ns::Remote, &format!("ip address add {remote}/24 dev eth0"))?;
        lab.run(Ns::Client1, &format!("ip address add {client}/24 dev eth0"))?;
        let route = format!("ip route add {remote}/32 via {gateway} src {client}");
        lab.run(Ns::Client1, &route)?;
    }
    let settings = [
        ("ipv4/ip_local_port_range", "1024 65535"),
        ("ipv4/tcp_tw_reuse", "0"),
        ("ipv4/tcp_max_tw_buckets", "1000000"),
    ];
    lab.set(Ns::Client1, &settings)
}

/// Makes at least so many; their clients' sides. A run of another number goes to another port of the
/// remotes, so that each client has all its own ports again.
pub fn run(lab: &Lab, number: u16, connections: u32) -> Result<Vec<SocketAddr>> {
    let port = FIRST_PORT + number;
    let each = connections.div_ceil(u32::from(CLIENTS));
    let listen = |number| TcpListener::bind((remote(number), port));
    let listeners = lab.enter(Ns::Remote, || {
        Ok((0..CLIENTS).map(listen).collect::<Result<Vec<_>, _>>()?)
    })?;
    thread::scope(|scope| {
        let serve = |listener: TcpListener| scope.spawn(move || serve(&listener, each));
        let servers: Vec<_> = listeners.into_iter().map(serve).collect();
        let made = lab.enter(Ns::Client1, || {
            thread::scope(|scope| {
                let dial = |number| {
                    scope.spawn(move || dial(SocketAddr::from((remote(number), port)), each))
                };
                let clients: Vec<_> = (0..CLIENTS).map(dial).collect();
                let made = clients.into_iter().map(join);
                Ok(made.collect::<Result<Vec<_>>>()?.concat())
            })
        });
        let served = servers.into_iter().try_for_each(join);
        let made = made?;
        served?;
        Ok(made)
    })
}

fn dial(remote: SocketAddr, connections: u32) -> Result<Vec<SocketAddr>> {
    let connect = |_| {
        let mut stream = TcpStream::connect(remote).context("cannot connect")?;
        let client = stream.local_addr()?;
        stream.shutdown(Shutdown::Write)?;
        ensure!(stream.read(&mut [0])? == 0, "bytes that nobody sent");
        Ok(client)
    };
    (0..connections).map(connect).collect()
}

/// A connection that does not come is an error, not a reason to wait for ever.
fn serve(listener: &TcpListener, connections: u32) -> Result<()> {
    setsockopt(
        listener,
        sockopt::ReceiveTimeout,
        &TimeVal::seconds(PATIENCE_S),
    )?;
    for _ in 0..connections {
        let (mut stream, _) = listener.accept()?;
        ensure!(stream.read(&mut [0])? == 0, "bytes that nobody sent");
    }
    Ok(())
}

fn client(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 17, 100 + number)
}

fn remote(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, 100 + number)
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().expect("a thread of the load")
}
