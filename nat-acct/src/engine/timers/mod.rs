//! When to look again at which connection. Each has one timer at most, and whatever there are of them,
//! to set or to stop one takes the same time (a hierarchical timing wheel: Varghese and Lauck, "Hashed
//! and Hierarchical Timing Wheels", section 6.2).

mod links;
mod wheel;

use std::{cmp::Reverse, collections::BinaryHeap};

use self::{
    links::Links,
    wheel::{Come, Wheel},
};

#[derive(Default)]
pub(super) struct Timers {
    wheel: Wheel,
    links: Links,
    /// Those whose tick has come, the earliest first; some may have been set anew or stopped since.
    near: BinaryHeap<Reverse<(u64, u32)>>,
    orphans_ns: Option<u64>,
}

impl Timers {
    pub(super) fn reserve(&mut self, slots: usize) {
        self.links.reserve(slots);
    }

    /// Sets the timer of a slot, unless one is set for earlier: when that goes off, the connection is
    /// looked at, and its deadline found to be later. One for `u64::MAX` never goes off.
    pub(super) fn set(&mut self, slot: u32, due_ns: u64) {
        let set_ns = self.links.due_ns(slot).unwrap_or(links::NEVER);
        if set_ns <= due_ns {
            return;
        }
        self.stop(slot);
        self.put(slot, due_ns);
    }

    /// Stops the timer of a slot, if it has one.
    pub(super) fn stop(&mut self, slot: u32) {
        if let Some(emptied) = self.links.take(slot) {
            self.wheel.note(emptied, true);
        }
    }

    /// A slot whose deadline has come. Its timer is not set any more.
    pub(super) fn pop_due(&mut self, now_ns: u64) -> Option<u32> {
        self.turn(now_ns);
        loop {
            let &Reverse((due_ns, slot)) = self.near.peek()?;
            if due_ns > now_ns {
                return None;
            }
            self.near.pop();
            if self.links.is_near(slot, due_ns) {
                self.links.take(slot);
                return Some(slot);
            }
        }
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

    /// Not after the earliest deadline. It may be before, for some of the way to a far one.
    pub(super) fn next(&self) -> Option<u64> {
        let near_ns = self.near.peek().map(|&Reverse((due_ns, _))| due_ns);
        let far_ns = self.wheel.next_ns();
        [near_ns, far_ns, self.orphans_ns]
            .into_iter()
            .flatten()
            .min()
    }

    /// Turns the wheel to `now_ns`.
    fn turn(&mut self, now_ns: u64) {
        while let Some(come) = self.wheel.advance(now_ns) {
            match come {
                Come::Tick(position) => {
                    while let Some((slot, due_ns)) = self.links.pop(position) {
                        self.put_near(slot, due_ns);
                    }
                }
                Come::Ticks(position) => {
                    while let Some((slot, due_ns)) = self.links.pop(position) {
                        self.put(slot, due_ns);
                    }
                }
            }
        }
    }

    fn put(&mut self, slot: u32, due_ns: u64) {
        match self.wheel.position(due_ns) {
            Some(position) => {
                self.links.push(position, slot, due_ns);
                self.wheel.note(position, false);
            }
            None => self.put_near(slot, due_ns),
        }
    }

    fn put_near(&mut self, slot: u32, due_ns: u64) {
        self.links.set_near(slot, due_ns);
        self.near.push(Reverse((due_ns, slot)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Set(u32, u64),
        Stop(u32),
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // From within a tick to the highest level.
        let time = (0..64u32, any::<u64>()).prop_map(|(bits, random)| random >> bits >> 1);
        let step = prop_oneof![
            (0..20u32, time.clone()).prop_map(|(slot, in_ns)| Step::Set(slot, in_ns)),
            (0..20u32).prop_map(Step::Stop),
            time.prop_map(Step::Pass),
        ];
        vec(step, 0..200)
    }

    proptest! {
        /// Beside a map, whose least entry is looked for each time.
        #[test]
        fn each_goes_off_when_it_is_due(steps in steps()) {
            let (mut timers, mut expected) = (Timers::default(), BTreeMap::new());
            let mut now_ns = 0u64;
            for step in steps {
                match step {
                    Step::Set(slot, in_ns) => {
                        let due_ns = now_ns.saturating_add(in_ns).min(links::NEVER - 1);
                        timers.set(slot, due_ns);
                        let set = expected.entry(slot).or_insert(due_ns);
                        *set = due_ns.min(*set);
                    }
                    Step::Stop(slot) => {
                        timers.stop(slot);
                        expected.remove(&slot);
                    }
                    Step::Pass(ns) => now_ns = now_ns.saturating_add(ns),
                }
                let first = |expected: &BTreeMap<u32, u64>| {
                    expected.iter().map(|(slot, due_ns)| (*due_ns, *slot)).min()
                };
                while let Some((due_ns, slot)) = first(&expected).filter(|(due, _)| *due <= now_ns) {
                    prop_assert!(timers.next().is_some_and(|next_ns| next_ns <= due_ns));
                    prop_assert_eq!(timers.pop_due(now_ns), Some(slot));
                    expected.remove(&slot);
                }
                prop_assert_eq!(timers.pop_due(now_ns), None);
            }
        }

        /// Who always waits until [`Timers::next`] comes to each deadline, in few steps.
        #[test]
        fn the_next_leads_to_the_deadline(due_ns in 0..u64::MAX - 1) {
            let mut timers = Timers::default();
            timers.set(7, due_ns);
            for _ in 0..10 {
                let now_ns = timers.next().expect("it is set");
                prop_assert!(now_ns <= due_ns);
                if let Some(slot) = timers.pop_due(now_ns) {
                    prop_assert_eq!((slot, now_ns), (7, due_ns));
                    return Ok(());
                }
            }
            prop_assert!(false, "it was not reached");
        }
    }
}
