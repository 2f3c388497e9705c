//! Totals of the last minute, by which rates are told.

use std::collections::VecDeque;

use super::Recent;

const KEPT_NS: u64 = 60_000_000_000;
/// Between two that are kept.
const APART_NS: u64 = 1_000_000_000;

/// Totals since some start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::agent) struct Totals {
    pub(in crate::agent) opened: u64,
    pub(in crate::agent) ended: u64,
    pub(in crate::agent) written: u64,
    pub(in crate::agent) not_taken: u64,
}

#[derive(Default)]
pub(in crate::agent) struct History {
    /// With when each was seen, in order.
    kept: VecDeque<(u64, Totals)>,
}

impl History {
    /// Takes note of what the totals are now.
    pub(in crate::agent) fn note(&mut self, now_ns: u64, totals: Totals) {
        let last = self.kept.back();
        if last.is_some_and(|(at_ns, _)| now_ns.saturating_sub(*at_ns) < APART_NS) {
            return;
        }
        self.kept.push_back((now_ns, totals));
        // The first is to be as old as the time that is told of.
        let is_old = |entry: Option<&(u64, _)>| {
            entry.is_some_and(|(at_ns, _)| now_ns.saturating_sub(*at_ns) >= KEPT_NS)
        };
        while is_old(self.kept.get(1)) {
            self.kept.pop_front();
        }
    }

    /// What has come since the oldest that is kept, given the totals now.
    pub(in crate::agent) fn recent(&self, now_ns: u64, totals: Totals) -> Recent {
        let &(at_ns, then) = self.kept.front().unwrap_or(&(now_ns, totals));
        Recent {
            seconds: now_ns.saturating_sub(at_ns) as f64 / 1e9,
            opened: totals.opened - then.opened,
            ended: totals.ended - then.ended,
            written: totals.written - then.written,
            not_taken: totals.not_taken - then.not_taken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn a_minute_is_told_of() {
        let mut history = History::default();
        for second in 0..300 {
            for quarter in 0..4 {
                let now_ns = second * SECOND_NS + quarter * SECOND_NS / 4;
                history.note(now_ns, opened(10 * second));
            }
            let now_ns = second * SECOND_NS;
            let recent = history.recent(now_ns, opened(10 * second));
            let seconds = second.min(60);
            assert_eq!(
                (recent.seconds, recent.opened),
                (seconds as f64, 10 * seconds)
            );
        }
        assert_eq!(history.kept.len(), 61);
    }

    #[test]
    fn without_a_history_nothing_has_come() {
        assert_eq!(History::default().recent(5, opened(7)), Recent::default());
    }

    fn opened(opened: u64) -> Totals {
        Totals {
            opened,
            ..Totals::default()
        }
    }
}
