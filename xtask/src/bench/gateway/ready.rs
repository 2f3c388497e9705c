//! When a program sees what passes, the kernel says so: it has sockets for that. In the gateway
//! nobody else has.

use anyhow::Result;
use nat_acct_tests::{Lab, Ns};

/// What a program opens.
#[derive(Clone, Copy)]
pub enum Ready {
    /// So many packet sockets.
    PacketSockets(usize),
}

impl Ready {
    /// How many sockets it takes.
    pub fn wanted(self) -> usize {
        match self {
            Self::PacketSockets(number) => number,
        }
    }

    /// How many there are in the gateway.
    pub fn sockets(self, lab: &Lab) -> Result<usize> {
        let said = lab.run(Ns::Gateway, "cat /proc/net/packet")?;
        let rows = said.lines().skip(1);
        let rows = rows.map(|line| line.split_whitespace().collect::<Vec<_>>());
        Ok(rows.filter(|row| is_packet_socket(row)).count())
    }
}

/// Of `sk RefCnt Type Proto Iface …`: it is bound to an interface.
fn is_packet_socket(row: &[&str]) -> bool {
    row.get(4).is_some_and(|&interface| interface != "0")
}
