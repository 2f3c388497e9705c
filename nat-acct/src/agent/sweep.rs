//! What to look at for what events missed: all SYNs on the outside, then all slots. Events that find
//! the ring buffer full are counted, so a sweep is due when that count has grown; and now and then in
//! any case, for what nobody thought of. It goes in small parts, so that it never holds up the rest.

use std::ops::Range;

/// Slots count from 1.
pub(super) const FIRST_SLOT: u32 = 1;
/// Slots of one part.
const PART_SLOTS: u32 = 4096;
/// Calls without a loss after which a sweep begins anyway: a minute, at four calls a second.
const PATIENCE: u32 = 240;

#[derive(Default)]
pub(super) struct Sweep {
    /// Where the sweep under way goes on.
    next: Option<Part>,
    is_wanted: bool,
    events_lost: u64,
    calls: u32,
    begun_ns: u64,
    longest_ns: u64,
    last: Took,
}

/// What is looked at without a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// SYNs on the outside: there may be more of them.
    Outside,
    /// These slots.
    Slots(Range<u32>),
}

/// What a whole sweep took, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Took {
    /// From its beginning to its end.
    pub(super) all_ns: u64,
    /// Its longest part.
    pub(super) longest_ns: u64,
}

impl Sweep {
    /// Has one begin soon; if one is under way, after its end.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Begins one if it is due, given how many events were lost so far; tells whether it did. To be
    /// called at regular intervals.
    pub(super) fn begin_if_due(&mut self, events_lost: u64, now_ns: u64) -> bool {
        self.calls += 1;
        // A loss during a sweep may be in a part that is over, and makes it begin again at its end.
        let is_due = self.is_wanted || events_lost != self.events_lost || self.calls >= PATIENCE;
        if self.next.is_some() || !is_due {
            return false;
        }
        *self = Self {
            next: Some(Part::Outside),
            events_lost,
            begun_ns: now_ns,
            last: self.last,
            ..Self::default()
        };
        true
    }

    /// The part to look at now, if a sweep is under way.
    pub(super) fn part(&self) -> Option<Part> {
        self.next.clone()
    }

    /// Goes on after a part that took from one time to the other. `slots` is one more than the highest
    /// slot, and `is_outside_done` whether nothing is left to be looked at there. Tells whether that was
    /// all.
    pub(super) fn go_on(
        &mut self,
        (from_ns, to_ns): (u64, u64),
        slots: u32,
        is_outside_done: bool,
    ) -> bool {
        self.longest_ns = self.longest_ns.max(to_ns - from_ns);
        let start = match &self.next {
            Some(Part::Outside) if is_outside_done => FIRST_SLOT,
            Some(Part::Slots(range)) => range.end,
            Some(Part::Outside) | None => return false,
        };
        let end = start.saturating_add(PART_SLOTS).min(slots);
        self.next = (start < end).then_some(Part::Slots(start..end));
        if self.next.is_none() {
            self.last = Took {
                all_ns: to_ns - self.begun_ns,
                longest_ns: self.longest_ns,
            };
        }
        self.next.is_none()
    }

    /// What the last whole one took.
    pub(super) fn last(&self) -> Took {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: u32 = 5_000;

    #[test]
    fn a_loss_begins_a_sweep_of_everything() {
        let mut sweep = Sweep::default();
        assert!(!sweep.begin_if_due(0, 0));
        assert!(sweep.begin_if_due(1, 0));
        assert_eq!(rest(&mut sweep), [1..4_097, 4_097..SLOTS]);
        assert!(!sweep.begin_if_due(1, 0));
    }

    #[test]
    fn a_loss_during_a_sweep_begins_another() {
        let mut sweep = Sweep::default();
        assert!(sweep.begin_if_due(1, 0));
        assert!(!sweep.begin_if_due(2, 0));
        rest(&mut sweep);
        assert!(sweep.begin_if_due(2, 0));
    }

    #[test]
    fn one_that_is_wanted_during_a_sweep_comes_after_it() {
        let mut sweep = Sweep::default();
        assert!(sweep.begin_if_due(1, 0));
        sweep.want();
        rest(&mut sweep);
        assert!(sweep.begin_if_due(1, 0));
        rest(&mut sweep);
        assert!(!sweep.begin_if_due(1, 0));
    }

    #[test]
    fn without_losses_there_is_one_a_minute() {
        let mut sweep = Sweep::default();
        let begun = (0..PATIENCE).filter(|_| sweep.begin_if_due(0, 0));
        assert_eq!(begun.count(), 1);
    }

    #[test]
    fn it_is_known_what_it_took() {
        let mut sweep = Sweep::default();
        sweep.begin_if_due(1, 100);
        assert!(!sweep.go_on((100, 130), SLOTS, false));
        assert_eq!(sweep.part(), Some(Part::Outside));
        assert!(!sweep.go_on((200, 220), SLOTS, true));
        assert!(!sweep.go_on((300, 310), SLOTS, true));
        assert!(sweep.go_on((400, 410), SLOTS, true));
        let expect = Took {
            all_ns: 310,
            longest_ns: 30,
        };
        assert_eq!((sweep.last(), sweep.part()), (expect, None));
    }

    /// The slots of a sweep that has just begun, part by part.
    fn rest(sweep: &mut Sweep) -> Vec<Range<u32>> {
        let mut all = Vec::new();
        while let Some(part) = sweep.part() {
            if let Part::Slots(slots) = part {
                all.push(slots);
            }
            sweep.go_on((0, 0), SLOTS, true);
        }
        all
    }
}
