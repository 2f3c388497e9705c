//! How far the clocks of the captures of inside and outside are apart, found out by SYNs that are
//! in both. It decides nothing about mappings: it only says why there are none.

use std::collections::HashMap;

use nat_acct_common::{
    layout::{Address, Sender},
    packet::Segment,
};

use super::seen::{Seen, Side};

/// SYNs that are kept for each side: the first ones, which are in both captures if these cover
/// the same time, whatever their clocks say.
const MAX_SYNS: usize = 1 << 16;

/// What both sides see alike of a SYN.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Syn {
    remote: Address,
    remote_port: u16,
    isn: u32,
}

pub(super) struct Clocks {
    slack_ns: u64,
    inside: HashMap<Syn, u64>,
    outside: HashMap<Syn, u64>,
    /// By how much the outside's clock was ahead, for each SYN found on both sides.
    ahead_ns: Vec<i64>,
}

impl Clocks {
    /// With a slack of 0 there is one clock, and nothing to find out.
    pub(super) fn new(slack_ns: u64) -> Self {
        Self {
            slack_ns,
            inside: HashMap::new(),
            outside: HashMap::new(),
            ahead_ns: Vec::new(),
        }
    }

    /// Takes in a SYN; tells whether it shows that the clocks are too far apart.
    pub(super) fn are_apart(&mut self, seen: &Seen) -> bool {
        if self.slack_ns == 0 || self.ahead_ns.len() >= MAX_SYNS {
            return false;
        }
        let senders = match seen.sender {
            Some(sender) => &[sender][..],
            None => &[Sender::Client, Sender::Remote],
        };
        let before = self.ahead_ns.len();
        for &sender in senders {
            let syn = Syn::of(&seen.segment, sender);
            match seen.side {
                Side::Inside(_) => self.inside(syn, seen.time_ns),
                Side::Outside(_) => self.outside(syn, seen.time_ns),
            }
        }
        let new = &self.ahead_ns[before..];
        new.iter().any(|ahead| ahead.unsigned_abs() > self.slack_ns)
    }

    /// By how much the outside's clock is ahead, if that is too much: the median, for a SYN may
    /// have been sent again.
    pub(super) fn too_far_apart_ns(&self) -> Option<i64> {
        let mut ahead_ns = self.ahead_ns.clone();
        ahead_ns.sort_unstable();
        let median = *ahead_ns.get(ahead_ns.len() / 2)?;
        (median.unsigned_abs() > self.slack_ns).then_some(median)
    }

    fn inside(&mut self, syn: Syn, time_ns: u64) {
        match self.outside.remove(&syn) {
            Some(outside_ns) => self.ahead_ns.push(outside_ns as i64 - time_ns as i64),
            None => keep(&mut self.inside, syn, time_ns),
        }
    }

    fn outside(&mut self, syn: Syn, time_ns: u64) {
        match self.inside.remove(&syn) {
            Some(inside_ns) => self.ahead_ns.push(time_ns as i64 - inside_ns as i64),
            None => keep(&mut self.outside, syn, time_ns),
        }
    }
}

fn keep(syns: &mut HashMap<Syn, u64>, syn: Syn, time_ns: u64) {
    if syns.len() < MAX_SYNS {
        syns.insert(syn, time_ns);
    }
}

impl Syn {
    fn of(segment: &Segment, sender: Sender) -> Self {
        let (remote, remote_port) = match sender {
            Sender::Client => (segment.destination, segment.destination_port),
            Sender::Remote => (segment.source, segment.source_port),
        };
        Self {
            remote,
            remote_port,
            isn: segment.seq,
        }
    }
}
