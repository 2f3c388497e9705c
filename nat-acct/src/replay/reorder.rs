//! Packets of one capture in the order of their times. Processors write captures in turns, so
//! packets are a little out of order; within a bounded window they are sorted here.
//!
//! A packet that is out of order by more stays where it is: the clock was set, or the time is
//! wrong. What such a time says counts for its own packet, and never makes others time out.

use std::collections::VecDeque;

use super::seen::Seen;

/// How much a packet may be late.
const WINDOW_NS: u64 = 100_000_000;
/// How many packets wait at most; few enough to stay in the cache.
const MAX_WAITING: usize = 1024;

#[derive(Default)]
pub(super) struct Reorder {
    waiting: VecDeque<Seen>,
    newest_ns: u64,
    late: u64,
}

impl Reorder {
    /// Time goes on, also by packets that are not kept.
    #[inline]
    pub(super) fn advance(&mut self, time_ns: u64) {
        if time_ns + WINDOW_NS < self.newest_ns {
            self.late += 1;
            self.newest_ns = time_ns;
        } else {
            self.newest_ns = self.newest_ns.max(time_ns);
        }
    }

    /// Keeps a packet, whose time was told to [`Self::advance`].
    #[inline]
    pub(super) fn push(&mut self, seen: Seen) {
        match self.waiting.back() {
            Some(last) if last.time_ns > seen.time_ns => self.insert(seen),
            _ => self.waiting.push_back(seen),
        }
    }

    /// The time of the packet that comes next, once no earlier one is to be expected.
    #[inline]
    pub(super) fn ready_ns(&self) -> Option<u64> {
        let first = self.waiting.front()?;
        let is_ready = first.time_ns + WINDOW_NS <= self.newest_ns
            || first.time_ns > self.newest_ns
            || self.waiting.len() >= MAX_WAITING;
        is_ready.then_some(first.time_ns.min(self.newest_ns))
    }

    /// The time of the packet that comes next, when there will be no more.
    pub(super) fn last_ns(&self) -> Option<u64> {
        let first = self.waiting.front()?;
        Some(first.time_ns.min(self.newest_ns))
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Seen> {
        self.waiting.pop_front()
    }

    /// Packets that were too late to be sorted.
    pub(super) fn late(&self) -> u64 {
        self.late
    }

    #[cold]
    fn insert(&mut self, seen: Seen) {
        let is_later =
            |other: &&Seen| (seen.time_ns + 1..=seen.time_ns + WINDOW_NS).contains(&other.time_ns);
        let later = self.waiting.iter().rev().take_while(is_later).count();
        self.waiting.insert(self.waiting.len() - later, seen);
    }
}

#[cfg(test)]
mod tests {
    use nat_acct_common::{
        layout::Address,
        packet::{Segment, Vlan},
    };

    use super::*;
    use crate::replay::seen::Side;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_little_out_of_order_is_sorted() {
        check(&[1, 2, 3], &[1, 2, 3], 0);
        check(&[5, 3, 4, 5, 9, 1], &[1, 3, 4, 5, 5, 9], 0);
        check(&[100, 200, 150, 300, 201], &[100, 150, 200, 201, 300], 0);
    }

    #[test]
    fn what_is_far_off_stays_where_it_is() {
        check(&[500, 100, 501], &[500, 100, 501], 1);
        check(&[1, 2, 90_000, 3, 4], &[1, 2, 90_000, 3, 4], 1);
        check(&[7_000, 7_001, 10, 12, 11], &[7_000, 7_001, 10, 11, 12], 1);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut reorder = Reorder::default();
        for _ in 0..MAX_WAITING {
            assert_eq!(reorder.ready_ns(), None);
            reorder.advance(MS);
            reorder.push(at(MS));
        }
        assert_eq!(reorder.ready_ns(), Some(MS));
    }

    #[test]
    fn a_wrong_time_is_no_time_for_others() {
        let mut reorder = Reorder::default();
        for time_ms in [1, 90_000, 2] {
            reorder.advance(time_ms * MS);
            reorder.push(at(time_ms * MS));
        }
        reorder.pop();
        assert_eq!(reorder.ready_ns(), Some(2 * MS));
    }

    fn check(times_ms: &[u64], expect_ms: &[u64], expect_late: u64) {
        let mut reorder = Reorder::default();
        let mut order = Vec::new();
        for time_ms in times_ms {
            reorder.advance(time_ms * MS);
            reorder.push(at(time_ms * MS));
            while reorder.ready_ns().is_some() {
                order.extend(reorder.pop());
            }
        }
        order.extend(std::iter::from_fn(|| reorder.pop()));
        let order: Vec<u64> = order.iter().map(|seen| seen.time_ns / MS).collect();
        assert_eq!(order, expect_ms);
        assert_eq!(reorder.late(), expect_late);
    }

    fn at(time_ns: u64) -> Seen {
        Seen {
            time_ns,
            side: Side::Inside(0),
            sender: None,
            segment: Segment {
                vlan: Vlan::NONE,
                source: Address::default(),
                destination: Address::default(),
                source_port: 0,
                destination_port: 0,
                seq: 0,
                ack: 0,
                flags: 0,
                payload: 0,
                ip_bytes: 0,
                packets: 1,
            },
        }
    }
}
