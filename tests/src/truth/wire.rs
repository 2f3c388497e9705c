//! What arrives at a host, as its own nftables counts it: a second opinion on
//! packets and IP bytes, and on the ports of openings that no program accepts.

use anyhow::Result;

use super::{Volume, nft};
use crate::lab::{Lab, Ns};

const RULES: &str = "
table inet wire {
    counter segments { }
    set openings { type inet_service . inet_service; flags dynamic; size 65535; }
    chain input {
        type filter hook input priority -300;
        meta l4proto tcp counter name segments
        tcp flags & (syn | ack) == syn update @openings { tcp dport . tcp sport }
    }
}
";

/// The MTU of Ethernet.
const MOST_BYTES: u64 = 1_500;

/// The counters of a host.
pub struct Wire<'a> {
    lab: &'a Lab,
    ns: Ns,
}

impl<'a> Wire<'a> {
    /// Begins to count what arrives at this host.
    pub fn count(lab: &'a Lab, ns: Ns) -> Result<Self> {
        lab.nft(ns, RULES)?;
        Ok(Self { lab, ns })
    }

    /// TCP segments that have arrived. An offload that merges packets before IP
    /// makes them fewer than there were on the wire.
    pub fn tcp(&self) -> Result<Volume> {
        nft::counted(self.lab, self.ns, "inet wire segments")
    }

    /// The ports that SYNs to this port have come from.
    pub fn openers(&self, port: u16) -> Result<Vec<u16>> {
        let set = nft::list(self.lab, self.ns, "set", "inet wire openings")?;
        let pairs = set["elem"].as_array().into_iter().flatten();
        let pairs = pairs.filter_map(|pair| {
            let number = |index: usize| u16::try_from(pair["concat"][index].as_u64()?).ok();
            Some((number(0)?, number(1)?))
        });
        Ok(pairs
            .filter(|&(to, _)| to == port)
            .map(|(_, from)| from)
            .collect())
    }
}

/// What was counted is what arrived, and at most so many packets that were lost on the way.
///
/// # Panics
///
/// When it is not.
pub fn assert_carried(counted: Volume, arrived: Volume, lost: u64) {
    let packets = arrived.packets..=arrived.packets + lost;
    let bytes = arrived.ip_bytes..=arrived.ip_bytes + lost * MOST_BYTES;
    assert!(
        packets.contains(&counted.packets) && bytes.contains(&counted.ip_bytes),
        "{counted:?} were counted, {arrived:?} arrived, at most {lost} packets were lost"
    );
}
