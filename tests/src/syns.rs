//! SYNs of very many hosts that are there on the wire only.

use std::net::IpAddr;

use anyhow::{Result, bail};
use etherparse::PacketBuilder;

use crate::lab::{Family, INSIDE, Lab, Ns, OUTSIDE, PacketSocket, translated};

/// Sends so many to the remote over IPv4 by the interface of `from`, each from another address, to the
/// port for its number.
///
/// # Errors
///
/// When the kernel refuses a frame.
pub fn send(lab: &Lab, from: Ns, syns: u32, port: fn(u32) -> u16) -> Result<()> {
    send_to(
        lab,
        from,
        INSIDE,
        Ns::Remote.address(Family::V4),
        syns,
        port,
    )
}

/// Sends so many from the outside to the gateway itself, each from another address.
///
/// # Errors
///
/// When the kernel refuses a frame.
pub fn send_to_gateway(lab: &Lab, syns: u32) -> Result<()> {
    send_to(
        lab,
        Ns::Remote,
        OUTSIDE,
        translated(Family::V4),
        syns,
        |_| 9,
    )
}

/// To an address beyond or of an interface of the gateway.
fn send_to(
    lab: &Lab,
    from: Ns,
    interface: &str,
    to: IpAddr,
    syns: u32,
    port: fn(u32) -> u16,
) -> Result<()> {
    let own = lab.ethernet_address(from, "eth0")?;
    let gateway = lab.ethernet_address(Ns::Gateway, interface)?;
    let IpAddr::V4(to) = to else {
        bail!("no IPv4 address");
    };
    lab.enter(from, || {
        let socket = PacketSocket::open("eth0")?;
        for number in 0..syns {
            let source = (0x0a00_0000 + number).to_be_bytes();
            let syn = PacketBuilder::ethernet2(own, gateway)
                .ipv4(source, to.octets(), 64)
                .tcp(40_000, port(number), number, 64_000)
                .syn();
            socket.send_segment(syn)?;
        }
        Ok(())
    })
}
