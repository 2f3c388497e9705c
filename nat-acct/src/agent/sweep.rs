//! Which slots to look at for what events missed. Events that find the ring buffer full are counted,
//! so a sweep is due when that count has grown; and now and then in any case, for what nobody thought
//! of. It goes in small parts, so that it never holds up the rest.

use std::ops::Range;

/// Slots count from 1.
pub(super) const FIRST_SLOT: u32 = 1;
/// Slots of one part.
const PART_SLOTS: u32 = 8192;
/// Calls without a loss after which a sweep begins anyway: a minute, at four calls a second.
const PATIENCE: u32 = 240;

#[derive(Default)]
pub(super) struct Sweep {
    /// Where the sweep under way goes on.
    next: Option<u32>,
    events_lost: u64,
    calls: u32,
}

impl Sweep {
    /// The part to look at now, if any, given how many events were lost so far, and one more than
    /// the highest slot.
    pub(super) fn next(&mut self, events_lost: u64, slots: u32) -> Option<Range<u32>> {
        self.calls += 1;
        let lost = events_lost != self.events_lost;
        // A loss during a sweep may be in a part that is over, and makes it begin again at its end.
        if self.next.is_none() && (lost || self.calls >= PATIENCE) {
            self.events_lost = events_lost;
            self.calls = 0;
            self.next = Some(FIRST_SLOT);
        }
        let start = self.next?;
        let end = start.saturating_add(PART_SLOTS).min(slots);
        self.next = (end < slots).then_some(end);
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_begins_a_sweep_of_all_slots() {
        let mut sweep = Sweep::default();
        assert_eq!(sweep.next(0, 10_000), None);
        assert_eq!(sweep.next(1, 10_000), Some(1..8_193));
        assert_eq!(sweep.next(1, 10_000), Some(8_193..10_000));
        assert_eq!(sweep.next(1, 10_000), None);
    }

    #[test]
    fn a_loss_during_a_sweep_begins_another() {
        let mut sweep = Sweep::default();
        assert_eq!(sweep.next(1, 10_000), Some(1..8_193));
        assert_eq!(sweep.next(2, 10_000), Some(8_193..10_000));
        assert_eq!(sweep.next(2, 10_000), Some(1..8_193));
    }

    #[test]
    fn without_losses_there_is_one_a_minute() {
        let mut sweep = Sweep::default();
        let parts = (0..PATIENCE).filter(|_| sweep.next(0, 100).is_some());
        assert_eq!(parts.count(), 1);
    }
}
