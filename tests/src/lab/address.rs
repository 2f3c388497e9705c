//! Who is who in the lab: its namespaces and their addresses, all from
//! the ranges that are set aside for private use and for documentation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The gateway's interface towards the clients.
pub const INSIDE: &str = "br0";
/// The gateway's interface towards the remote.
pub const OUTSIDE: &str = "eth1";

/// A namespace of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ns {
    /// Routes and translates between [`INSIDE`] and [`OUTSIDE`].
    Gateway,
    /// The first client, behind the bridge.
    Client1,
    /// The second client, behind the bridge.
    Client2,
    /// The host beyond the gateway, with the servers.
    Remote,
    /// A client in a network of its own, where [`Lab::second_inside`] adds it.
    ///
    /// [`Lab::second_inside`]: super::Lab::second_inside
    Neighbour,
    /// A client with the addresses of the first one, behind another interface,
    /// added likewise.
    Twin,
}

/// The version of the Internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];
}

impl Ns {
    /// Those of each lab.
    pub const ALWAYS: [Self; 4] = [Self::Gateway, Self::Client1, Self::Client2, Self::Remote];
    /// All that a lab may have.
    pub const ALL: [Self; 6] = [
        Self::Gateway,
        Self::Client1,
        Self::Client2,
        Self::Remote,
        Self::Neighbour,
        Self::Twin,
    ];
    /// Both clients.
    pub const CLIENTS: [Self; 2] = [Self::Client1, Self::Client2];

    /// The last part of the namespace's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Gateway => "gw",
            Self::Client1 => "c1",
            Self::Client2 => "c2",
            Self::Remote => "remote",
            Self::Neighbour => "neighbour",
            Self::Twin => "twin",
        }
    }

    /// The address of its interface; the gateway's is the one on the inside.
    #[must_use]
    pub fn address(self, family: Family) -> IpAddr {
        match (self, family) {
            (Self::Gateway, Family::V4) => Ipv4Addr::new(192, 168, 17, 1).into(),
            (Self::Client1 | Self::Twin, Family::V4) => Ipv4Addr::new(192, 168, 17, 11).into(),
            (Self::Client2, Family::V4) => Ipv4Addr::new(192, 168, 17, 12).into(),
            (Self::Remote, Family::V4) => Ipv4Addr::new(203, 0, 113, 80).into(),
            (Self::Gateway, Family::V6) => inside_v6(1),
            (Self::Client1 | Self::Twin, Family::V6) => inside_v6(0x11),
            (Self::Client2, Family::V6) => inside_v6(0x12),
            (Self::Remote, Family::V6) => outside_v6(0x80),
            (Self::Neighbour, Family::V4) => Ipv4Addr::new(192, 168, 18, 11).into(),
            (Self::Neighbour, Family::V6) => {
                Ipv6Addr::new(0xfd00, 0x18, 0, 0, 0, 0, 0, 0x11).into()
            }
        }
    }
}

/// The gateway's address on the outside: what the remote sees instead of any
/// client.
#[must_use]
pub fn translated(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(203, 0, 113, 1).into(),
        Family::V6 => outside_v6(1),
    }
}

fn inside_v6(host: u16) -> IpAddr {
    Ipv6Addr::new(0xfd00, 0x17, 0, 0, 0, 0, 0, host).into()
}

fn outside_v6(host: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0x113, 0, 0, 0, 0, host).into()
}
