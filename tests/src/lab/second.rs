//! What the simple lab lacks: a second interface on the inside, with a client of
//! its own, and a second one on the outside, to the same remote. Which packets
//! go that way is the test's affair: it adds rules of `ip rule` and nftables.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;

use anyhow::Result;

use super::topology::{ONLY, address, batch, settle};
use super::{Family, Lab, Ns, output};

/// The gateway's second interface towards clients.
pub const SECOND_INSIDE: &str = "lan2";
/// The gateway's second interface towards the remote.
pub const SECOND_OUTSIDE: &str = "eth2";
/// The routing table that leads to the second interfaces.
pub const SECOND_TABLE: u8 = 2;

/// The gateway's address on the second outside interface.
#[must_use]
pub fn second_translated(family: Family) -> IpAddr {
    uplink(family, 1)
}

/// Adds [`SECOND_INSIDE`] with this client behind it. The route to a client in
/// the first one's network is only in [`SECOND_TABLE`].
pub fn inside(lab: &Lab, client: Ns) -> Result<()> {
    let netns = lab.netns(client);
    output(Command::new("ip").args(["netns", "add", &netns]))?;
    settle(lab, client)?;
    let mut gateway = format!(
        "link add {SECOND_INSIDE} type veth peer name {ONLY} netns {netns}\n\
         link set {SECOND_INSIDE} up\n"
    );
    let mut host = format!("link set lo up\nlink set {ONLY} up\n");
    for family in Family::ALL {
        let (own, router) = (client.address(family), router(client, family));
        let network = address(router, family, SECOND_INSIDE);
        gateway += &format!("{} noprefixroute\n", network.trim_end());
        let table = match client {
            Ns::Twin => format!("table {SECOND_TABLE}"),
            _ => String::new(),
        };
        gateway += &format!("route add {own} dev {SECOND_INSIDE} {table}\n");
        host += &address(own, family, ONLY);
        host += &format!("route add default via {router}\n");
    }
    batch(lab, Ns::Gateway, &gateway)?;
    batch(lab, client, &host)
}

/// Adds [`SECOND_OUTSIDE`], which [`SECOND_TABLE`] leads to and which
/// masquerades.
pub fn outside(lab: &Lab) -> Result<()> {
    let remote = lab.netns(Ns::Remote);
    let mut gateway = format!(
        "link add {SECOND_OUTSIDE} type veth peer name {SECOND_OUTSIDE} netns {remote}\n\
         link set {SECOND_OUTSIDE} up\n"
    );
    let mut host = format!("link set {SECOND_OUTSIDE} up\n");
    for family in Family::ALL {
        let far = uplink(family, 0x80);
        gateway += &address(second_translated(family), family, SECOND_OUTSIDE);
        host += &address(far, family, SECOND_OUTSIDE);
    }
    batch(lab, Ns::Gateway, &gateway)?;
    batch(lab, Ns::Remote, &host)?;
    let routes = Family::ALL.map(|family| {
        let far = uplink(family, 0x80);
        format!("route add default via {far} dev {SECOND_OUTSIDE} table {SECOND_TABLE}\n")
    });
    batch(lab, Ns::Gateway, &routes.concat())?;
    lab.nft(
        Ns::Gateway,
        &format!("add rule inet lab postrouting oifname {SECOND_OUTSIDE} masquerade fully-random"),
    )
}

/// The gateway's address in the client's network.
fn router(client: Ns, family: Family) -> IpAddr {
    match client.address(family) {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Ipv4Addr::new(a, b, c, 1).into()
        }
        IpAddr::V6(ip) => {
            let network = ip.to_bits() & !0xffff;
            Ipv6Addr::from_bits(network | 1).into()
        }
    }
}

fn uplink(family: Family, host: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(198, 51, 100, host).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0x51, 0, 0, 0, 0, host.into()).into(),
    }
}
