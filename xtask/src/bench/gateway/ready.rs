//! When a program sees what passes, the kernel says so: it has sockets or TC programs for that. In the
//! gateway nobody else has.

use anyhow::Result;
use nat_acct_tests::lab::INSIDE;
use nat_acct_tests::lab::hooks::{Direction, tcx};
use nat_acct_tests::{Lab, Ns};

/// What a program opens or attaches.
#[derive(Clone, Copy)]
pub enum Ready {
    /// So many packet sockets.
    PacketSockets(usize),
    /// A netlink socket that is told of connections.
    ConnectionEvents,
    /// TC programs on the inside, both ways.
    Programs,
}

const NETLINK_NETFILTER: &str = "12";

impl Ready {
    /// How many of them it takes.
    pub fn wanted(self) -> usize {
        match self {
            Self::PacketSockets(number) => number,
            Self::ConnectionEvents => 1,
            Self::Programs => Direction::ALL.len(),
        }
    }

    /// How many there are in the gateway.
    pub fn found(self, lab: &Lab) -> Result<usize> {
        match self {
            Self::PacketSockets(_) => sockets(lab, "packet", is_packet_socket),
            Self::ConnectionEvents => sockets(lab, "netlink", is_told_of_connections),
            Self::Programs => {
                let programs = |way| Ok(tcx(lab, Ns::Gateway, INSIDE, way)?.len());
                Direction::ALL.into_iter().map(programs).sum()
            }
        }
    }
}

/// Of a list in /proc/net.
fn sockets(lab: &Lab, list: &str, is_one: fn(&[&str]) -> bool) -> Result<usize> {
    let said = lab.run(Ns::Gateway, &format!("cat /proc/net/{list}"))?;
    let rows = said.lines().skip(1);
    let rows = rows.map(|line| line.split_whitespace().collect::<Vec<_>>());
    Ok(rows.filter(|row| is_one(row)).count())
}

/// Of `sk RefCnt Type Proto Iface …`: it is bound to an interface.
fn is_packet_socket(row: &[&str]) -> bool {
    row.get(4).is_some_and(|&interface| interface != "0")
}

/// Of `sk Eth Pid Groups …`.
fn is_told_of_connections(row: &[&str]) -> bool {
    let [_, family, _, groups, ..] = row else {
        return false;
    };
    *family == NETLINK_NETFILTER && groups.bytes().any(|digit| digit != b'0')
}
