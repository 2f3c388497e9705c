//! When to look again at which connection. A timer cannot be taken back; the
//! caller finds out whether one that goes off is still meant.

use std::{cmp::Reverse, collections::BinaryHeap};

#[derive(Default)]
pub(super) struct Timers {
    due: BinaryHeap<Reverse<(u64, u32)>>,
    orphans_ns: Option<u64>,
}

impl Timers {
    pub(super) fn reserve(&mut self, timers: usize) {
        self.due.reserve(timers);
    }

    pub(super) fn set(&mut self, slot: u32, due_ns: u64) {
        self.due.push(Reverse((due_ns, slot)));
    }

    /// A slot whose deadline has come, with the deadline.
    pub(super) fn pop_due(&mut self, now_ns: u64) -> Option<(u32, u64)> {
        let &Reverse((due_ns, slot)) = self.due.peek()?;
        if due_ns > now_ns {
            return None;
        }
        self.due.pop();
        Some((slot, due_ns))
    }

    /// Wakes for SYNs on the outside that nobody claimed.
    pub(super) fn set_orphans(&mut self, due_ns: u64) {
        self.orphans_ns = Some(self.orphans_ns.map_or(due_ns, |set| set.min(due_ns)));
    }

    pub(super) fn orphans_due(&mut self, now_ns: u64) -> bool {
        self.orphans_ns
            .take_if(|due_ns| *due_ns <= now_ns)
            .is_some()
    }

    pub(super) fn next(&self) -> Option<u64> {
        let connection_ns = self.due.peek().map(|&Reverse((due_ns, _))| due_ns);
        connection_ns.into_iter().chain(self.orphans_ns).min()
    }
}
