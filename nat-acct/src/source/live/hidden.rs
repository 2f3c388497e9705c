//! Does the program see what the interface carries? A program before ours can end the chain, and
//! XDP or an offload can take packets past all of TC. Then the interface counts, and our program
//! does not run.

use std::mem;

/// So many packets unseen are no coincidence: a packet is counted a moment before or after the
/// program sees it, and a few kinds of packets go past TC by their nature.
const SUSPICIOUS: u64 = 100;

/// Samples in a row that must agree, for counters and program are not looked at in one moment.
const SURE: u32 = 2;

/// Longer than a sample and a tick take, with any kernel (`CONFIG_HZ` is 100 at least).
const TICK_NS: u64 = 100_000_000;

/// What was seen of one direction of an interface.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// What is counted after this, the program has to see.
    from: Option<Sample>,
    /// The time of the last sample.
    looked_ns: u64,
    /// The time of the sample that found when the program last ran.
    ran_ns: u64,
    /// Before this, the program saw all that was counted.
    saw_all_ns: u64,
    /// How many samples in a row found packets unseen.
    suspicions: u32,
    is_hidden: bool,
}

/// All at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// A moment before, in nanoseconds of the monotonic clock.
    pub(super) at_ns: u64,
    /// When the program last ran.
    pub(super) ran_ticks: u32,
    /// Packets that the interface has counted.
    pub(super) packets: u64,
}

impl Hidden {
    /// Of a program that is attached since then, in nanoseconds of the monotonic clock.
    pub(super) fn since(attached_ns: u64) -> Self {
        Self {
            looked_ns: attached_ns,
            ..Self::default()
        }
    }

    /// Whether packets were hidden at the last sample.
    pub(super) fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    /// If packets are hidden: the time before which the program saw them, in nanoseconds of the monotonic
    /// clock.
    pub(super) fn since_ns(&self) -> Option<u64> {
        self.is_hidden.then_some(self.saw_all_ns)
    }

    /// Whether that has changed since the last sample: packets are hidden now, or no longer.
    pub(super) fn changes(&mut self, now: Sample) -> Option<bool> {
        let before_ns = mem::replace(&mut self.looked_ns, now.at_ns);
        // Counters begin anew with some drivers.
        let has_run = |from: Sample| now.ran_ticks != from.ran_ticks || now.packets < from.packets;
        let has_run = self.from.is_none_or(has_run);
        if has_run {
            self.ran_ns = now.at_ns;
        }
        // For the rest of the tick in which it ran, it may have run again.
        let is_over = |from: &Sample| from.at_ns >= self.ran_ns + TICK_NS;
        let known = self.from.filter(|from| !has_run && is_over(from));
        let from = *self.from.insert(known.unwrap_or(now));
        let unseen = now.packets - from.packets;
        if has_run || known.is_some() && unseen == 0 {
            self.saw_all_ns = before_ns;
        }
        self.suspicions = if unseen >= SUSPICIOUS {
            self.suspicions.saturating_add(1)
        } else {
            0
        };
        let is_hidden = self.suspicions >= SURE;
        let has_changed = is_hidden != self.is_hidden;
        self.is_hidden = is_hidden;
        has_changed.then_some(is_hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTACHED_NS: u64 = 1_000;
    const APART_NS: u64 = 250_000_000;

    /// What samples of ticks and packets change, so far apart.
    fn changes(apart_ns: u64, samples: &[(u32, u64)]) -> (Hidden, Vec<Option<bool>>) {
        let mut hidden = Hidden::since(ATTACHED_NS);
        let times_ns = (1..).map(|number| number * apart_ns);
        let changes = times_ns.zip(samples).map(|(at_ns, &(ran_ticks, packets))| {
            hidden.changes(Sample {
                at_ns,
                ran_ticks,
                packets,
            })
        });
        let changes = changes.collect();
        (hidden, changes)
    }

    #[test]
    fn packets_without_runs_are_hidden_until_it_runs_again() {
        let (samples, expected): (Vec<_>, Vec<_>) = [
            ((0, 1_000), None),
            ((5, 5_000), None),
            ((5, 5_000), None),
            ((5, 5_099), None),
            ((5, 5_100), None),
            ((5, 9_000), Some(true)),
            ((5, 9_100), None),
            ((6, 9_200), Some(false)),
            ((6, 0), None),
            ((6, 0), None),
            ((6, 99), None),
            ((6, 100), None),
            ((6, 100), Some(true)),
        ]
        .into_iter()
        .unzip();
        assert_eq!(changes(APART_NS, &samples).1, expected);
    }

    #[test]
    fn it_may_run_again_in_the_same_tick() {
        let samples = [(0, 0), (5, 1_000), (5, 2_000), (5, 2_000), (5, 2_000)];
        assert_eq!(changes(APART_NS, &samples).1, [None; 5]);
        // Also if something makes the agent look at once.
        let often: Vec<_> = (0..19).map(|packets| (5, packets * 1_000)).collect();
        assert_eq!(changes(TICK_NS / 20, &often).1, [None; 19]);
    }

    #[test]
    fn packets_may_have_been_hidden_since_the_last_look_but_one_that_misses_none() {
        let seen = [(4, 0), (5, 100)];
        assert_eq!(changes(APART_NS, &seen).0.since_ns(), None);
        let after_runs = [(4, 0), (5, 100), (6, 200), (6, 300), (6, 400), (6, 500)];
        check_since(&after_runs, 2 * APART_NS);
        let after_silence = [(5, 0), (5, 0), (5, 0), (5, 0), (5, 100), (5, 200)];
        check_since(&after_silence, 3 * APART_NS);
        let from_the_start = [(0, 0), (0, 100), (0, 200), (0, 300)];
        check_since(&from_the_start, ATTACHED_NS);
    }

    fn check_since(samples: &[(u32, u64)], expect_ns: u64) {
        let (hidden, changes) = changes(APART_NS, samples);
        assert_eq!(changes.last(), Some(&Some(true)));
        assert_eq!(hidden.since_ns(), Some(expect_ns));
    }
}
