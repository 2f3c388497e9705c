//! Does the program see what the interface carries? A program before ours can end the chain, and
//! XDP or an offload can take packets past all of TC. Then the interface counts, and our program
//! does not run.

/// So many packets unseen are no coincidence: a packet is counted a moment before or after the
/// program sees it, and a few kinds of packets go past TC by their nature.
const SUSPICIOUS: u64 = 100;

/// Samples in a row that must agree, for counters and program are not looked at in one moment.
const SURE: u32 = 2;

/// What was seen of one direction of an interface.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    last: Option<Sample>,
    /// How many samples in a row found packets unseen.
    suspicions: u32,
    is_hidden: bool,
}

/// Both at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When the program last ran.
    pub(super) ran_ticks: u32,
    /// Packets that the interface has counted.
    pub(super) packets: u64,
}

impl Hidden {
    /// Whether packets were hidden at the last sample.
    pub(super) fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    /// Whether that has changed since the last sample: packets are hidden now, or no longer.
    pub(super) fn changes(&mut self, now: Sample) -> Option<bool> {
        let last = self.last.get_or_insert(now);
        // Counters begin anew with some drivers.
        if now.ran_ticks != last.ran_ticks || now.packets < last.packets {
            *last = now;
        }
        let unseen = now.packets - last.packets;
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

    #[test]
    fn packets_without_runs_are_hidden_until_it_runs_again() {
        let mut hidden = Hidden::default();
        for (ran_ticks, packets, change) in [
            (0, 1_000, None),
            (5, 5_000, None),
            (5, 5_099, None),
            (5, 5_100, None),
            (5, 9_000, Some(true)),
            (5, 9_100, None),
            (6, 9_200, Some(false)),
            (6, 0, None),
            (6, 99, None),
            (6, 100, None),
            (6, 100, Some(true)),
        ] {
            assert_eq!(
                hidden.changes(Sample { ran_ticks, packets }),
                change,
                "{packets}"
            );
        }
    }
}
