//! Where frames meet the programs: the interfaces of a namespace without NAT, two with an Ethernet
//! header and two without one.

use anyhow::Result;
use nat_acct_common::layout::Sender;
use nat_acct_common::packet::Link;
use nat_acct_tests::cases::{Frame, Side};
use nat_acct_tests::lab::tun;
use nat_acct_tests::{Lab, Ns};

/// The namespace; the lab's own interface in it has no part in this.
pub const NS: Ns = Ns::Client1;
/// The inside interfaces, Ethernet first.
pub const INSIDE: [&str; 2] = ["in0", "in1"];
/// The outside interfaces, Ethernet first.
pub const OUTSIDE: [&str; 2] = ["out0", "out1"];

/// Longer than any packet that is not a super-packet, and than any super-packet; those of IPv4 that
/// are longer than 64 KiB do not come in, for Debian 12's `ip` cannot say `gso_ipv4_max_size`.
const SIZES: &str = "mtu 65535 gso_max_size 524280";

/// The Ethernet address that frames for the gateway have; others are not counted.
const GATEWAY: &str = "02:00:00:00:00:01";

/// A hook of the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Of what comes in.
    Ingress,
    /// Of what goes out.
    Egress,
}

/// The interfaces without a link layer, which go with this.
pub struct Tuns {
    pub inside: tun::End,
    pub outside: tun::End,
}

/// Makes the interfaces. Nobody has an address, so nobody says anything of its own.
pub fn make(lab: &Lab) -> Result<Tuns> {
    lab.set(NS, &[("ipv6/conf/default/disable_ipv6", "1")])?;
    for device in [INSIDE[0], OUTSIDE[0]] {
        let far = far_end(device);
        lab.run(
            NS,
            &format!("ip link add {device} address {GATEWAY} type veth peer name {far}"),
        )?;
        for end in [device, &far] {
            lab.run(NS, &format!("ip link set {end} up {SIZES}"))?;
        }
    }
    let tuns = lab.enter(NS, || {
        Ok(Tuns {
            inside: tun::End::create(INSIDE[1])?,
            outside: tun::End::create(OUTSIDE[1])?,
        })
    })?;
    for device in [INSIDE[1], OUTSIDE[1]] {
        lab.run(NS, &format!("ip link set {device} up"))?;
    }
    Ok(tuns)
}

/// The other end of an Ethernet interface: what is sent there comes in here.
pub fn far_end(device: &str) -> String {
    format!("{device}-far")
}

/// The interface that a frame passes.
pub fn interface(frame: &Frame) -> &'static str {
    let [ethernet, raw] = match frame.side {
        Side::Inside => INSIDE,
        Side::Outside => OUTSIDE,
    };
    match frame.link {
        Link::Ethernet => ethernet,
        Link::Ip => raw,
    }
}

/// The hook that sees a frame.
pub fn hook(frame: &Frame) -> Hook {
    match (frame.side, frame.sender) {
        (Side::Inside, Sender::Client) | (Side::Outside, Sender::Remote) => Hook::Ingress,
        (Side::Inside, Sender::Remote) | (Side::Outside, Sender::Client) => Hook::Egress,
    }
}
