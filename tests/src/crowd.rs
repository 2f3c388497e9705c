//! Very many connections that are open at a time, each as the four packets that open one, put on
//! interfaces that have nothing else to do. No endpoint has a part in it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::ops::Range;

use anyhow::Result;
use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader};

use crate::agent::{self, Agent};
use crate::lab::{Lab, Ns, PacketSocket};
use crate::{scrape, used};

/// The namespace with the interfaces; the lab's own one in it has no part in this.
pub const NS: Ns = Ns::Client1;
/// The interface on the clients' side.
pub const INSIDE: &str = "in0";
/// The one towards the remote.
pub const OUTSIDE: &str = "out0";

const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 1];
const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 2];
const FIRST_CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const CLIENT_PORT: u16 = 5_000;
const REMOTE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 18, 0, 80), 80);
/// What becomes of the clients' addresses; ports are drawn from the others than the well-known.
const TRANSLATED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const FIRST_PORT: u16 = 1_024;

/// Makes the interfaces.
///
/// # Errors
///
/// When there are some already.
pub fn make_interfaces(lab: &Lab) -> Result<()> {
    for (near, address) in [(INSIDE, "address 02:00:00:00:00:01"), (OUTSIDE, "")] {
        let add = format!("ip link add {near} {address} type veth peer name {near}-far");
        lab.run(NS, &add)?;
        for end in [near, &format!("{near}-far")] {
            lab.run(NS, &format!("ip link set {end} up"))?;
        }
    }
    Ok(())
}

/// Starts an agent on them with room for so many connections, metrics and these further arguments,
/// and waits until it has attached.
///
/// # Errors
///
/// When it does not attach.
pub fn agent(lab: &Lab, max_connections: u32, args: &[&str]) -> Result<Agent> {
    let mut command = lab.command(NS, agent::binary()?);
    command.args(["run", "--inside", INSIDE, "--outside", OUTSIDE]);
    command.args(["--max-connections", &max_connections.to_string()]);
    command.args(["--metrics", scrape::ADDRESS]);
    command.args(args);
    let mut agent = Agent::spawn_command(lab, command)?;
    agent.wait_attached()?;
    Ok(agent)
}

/// Opens so many connections, from number 0 on, and waits until the agent has taken them in. Tells by how
/// many bytes its own memory has grown.
///
/// # Errors
///
/// When the kernel refuses a frame, or the agent never says that so many are open.
pub fn fill(lab: &Lab, agent: &mut Agent, connections: u32) -> Result<u64> {
    let pid = agent.process().pid();
    // What answering takes is no connection's.
    wait_open(lab, 0)?;
    let before = used::own_bytes(pid)?;
    open(lab, 0..connections)?;
    wait_open(lab, connections)?;
    Ok(used::own_bytes(pid)?.saturating_sub(before))
}

/// The client of the connection with a number, below 2^24.
#[must_use]
pub fn client(number: u32) -> SocketAddrV4 {
    SocketAddrV4::new((FIRST_CLIENT.to_bits() + number).into(), CLIENT_PORT)
}

/// The number of the connection with a client.
#[must_use]
pub fn number(client: SocketAddr) -> Option<u32> {
    let SocketAddr::V4(client) = client else {
        return None;
    };
    client.ip().to_bits().checked_sub(FIRST_CLIENT.to_bits())
}

/// What the remote sees instead.
#[must_use]
pub fn translated(number: u32) -> SocketAddrV4 {
    let ports = u32::from(u16::MAX - FIRST_PORT);
    let port = FIRST_PORT + u16::try_from(number % ports).expect("fewer than there are ports");
    SocketAddrV4::new(TRANSLATED, port)
}

/// Opens the connections with these numbers: SYN, the SYN as it leaves, SYN-ACK and ACK of each.
fn open(lab: &Lab, numbers: Range<u32>) -> Result<()> {
    lab.enter(NS, || {
        let from_client = PacketSocket::open(&format!("{INSIDE}-far"))?;
        let to_client = PacketSocket::open(INSIDE)?;
        let to_remote = PacketSocket::open(OUTSIDE)?;
        for number in numbers {
            let (client, translated) = (client(number), translated(number));
            let syn = |source| outward(source, number).syn();
            let answer = inward(client, 7).syn().ack(number + 1);
            from_client.send_segment(syn(client))?;
            to_remote.send_segment(syn(translated))?;
            to_client.send_segment(answer)?;
            from_client.send_segment(outward(client, number + 1).ack(8))?;
        }
        Ok(())
    })
}

fn wait_open(lab: &Lab, connections: u32) -> Result<()> {
    scrape::wait_for_in(lab, NS, "nat_acct_connections_open", connections.into())
}

fn outward(source: SocketAddrV4, seq: u32) -> PacketBuilderStep<TcpHeader> {
    let ethernet = PacketBuilder::ethernet2(CLIENT, GATEWAY);
    let ip = ethernet.ipv4(source.ip().octets(), REMOTE.ip().octets(), 64);
    ip.tcp(source.port(), REMOTE.port(), seq, 64_000)
}

fn inward(client: SocketAddrV4, seq: u32) -> PacketBuilderStep<TcpHeader> {
    let ethernet = PacketBuilder::ethernet2(GATEWAY, CLIENT);
    let ip = ethernet.ipv4(REMOTE.ip().octets(), client.ip().octets(), 64);
    ip.tcp(REMOTE.port(), client.port(), seq, 64_000)
}
