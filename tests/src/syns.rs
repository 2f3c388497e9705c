//! SYNs of very many clients that are there on the wire only.

use anyhow::{Result, bail};
use etherparse::PacketBuilder;

use crate::lab::{Family, INSIDE, Lab, Ns, PacketSocket};

/// Sends so many to the remote over IPv4 by the interface of `from`, each from another address, to the
/// port for its number.
///
/// # Errors
///
/// When the kernel refuses a frame.
pub fn send(lab: &Lab, from: Ns, syns: u32, port: fn(u32) -> u16) -> Result<()> {
    let own = lab.ethernet_address(from, "eth0")?;
    let gateway = lab.ethernet_address(Ns::Gateway, INSIDE)?;
    let std::net::IpAddr::V4(remote) = Ns::Remote.address(Family::V4) else {
        bail!("the remote has no IPv4 address");
    };
    lab.enter(from, || {
        let socket = PacketSocket::open("eth0")?;
        for number in 0..syns {
            let source = (0x0a00_0000 + number).to_be_bytes();
            let syn = PacketBuilder::ethernet2(own, gateway)
                .ipv4(source, remote.octets(), 64)
                .tcp(40_000, port(number), number, 64_000)
                .syn();
            socket.send_segment(syn)?;
        }
        Ok(())
    })
}
