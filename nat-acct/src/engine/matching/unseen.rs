//! When SYNs on the outside may have been missed: of an opening whose SYN was sent then, that none was seen says
//! nothing.

use std::ops::RangeInclusive;

/// Where there were more times, the oldest are taken for one.
const MOST: usize = 1_024;

/// Times in nanoseconds of the source's clock, in order.
#[derive(Default)]
pub(super) struct Unseen(Vec<RangeInclusive<u64>>);

impl Unseen {
    /// Notes a time. It does not end before the one that was noted last.
    pub(super) fn note(&mut self, missed_ns: RangeInclusive<u64>) {
        let (mut from_ns, to_ns) = missed_ns.into_inner();
        while let Some(last) = self.0.pop_if(|last| *last.end() >= from_ns) {
            from_ns = from_ns.min(*last.start());
        }
        self.0.push(from_ns..=to_ns);
        if self.0.len() > MOST {
            let oldest = self.0.remove(0);
            self.0[0] = *oldest.start()..=*self.0[0].end();
        }
    }

    /// Whether some of this was at such a time.
    pub(super) fn overlaps(&self, ns: RangeInclusive<u64>) -> bool {
        let behind = self
            .0
            .partition_point(|missed_ns| missed_ns.start() <= ns.end());
        behind > 0 && self.0[behind - 1].end() >= ns.start()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_without_a_pause_is_one_time() {
        let mut unseen = Unseen::default();
        for missed_ns in [10..=20, 20..=30, 40..=50] {
            unseen.note(missed_ns);
        }
        assert_eq!(unseen.0, [10..=30, 40..=50]);
        let inside = |at_ns: &u64| unseen.overlaps(*at_ns..=*at_ns);
        let all: Vec<_> = (0..60).step_by(5).filter(inside).collect();
        assert_eq!(all, [10, 15, 20, 25, 30, 40, 45, 50]);
        assert!(unseen.overlaps(0..=10) && unseen.overlaps(50..=60) && unseen.overlaps(0..=99));
        assert!(!unseen.overlaps(31..=39));
    }

    #[test]
    fn what_is_found_later_to_have_begun_before_takes_in_what_it_overlaps() {
        let mut unseen = Unseen::default();
        for missed_ns in [10..=20, 30..=40, 50..=60, 35..=70] {
            unseen.note(missed_ns);
        }
        assert_eq!(unseen.0, [10..=20, 30..=70]);
    }

    #[test]
    fn the_oldest_become_one() {
        let mut unseen = Unseen::default();
        for from_ns in (0..).step_by(10).take(MOST + 2) {
            unseen.note(from_ns..=from_ns + 1);
        }
        assert_eq!(unseen.0.len(), MOST);
        assert!(unseen.overlaps(5..=5) && unseen.overlaps(21..=21));
        assert!(!unseen.overlaps(25..=25));
    }
}
