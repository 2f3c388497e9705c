//! When SYNs on the outside may have been missed: until a look finds that, from the look before, or from
//! when packets may have been hidden, as it takes some looks to be sure of that.

use std::{mem, ops::RangeInclusive};

pub(super) struct Missed {
    /// When the last look began, in nanoseconds of the monotonic clock.
    looked_ns: u64,
    /// How many SYNs had not been noted then, as there was no room for them.
    not_noted: u64,
}

impl Missed {
    /// Nothing was missed before this time.
    pub(super) fn since(now_ns: u64) -> Self {
        Self {
            looked_ns: now_ns,
            not_noted: 0,
        }
    }

    /// Takes note of what a look has found, and when it was; tells when SYNs may have been missed.
    pub(super) fn look(
        &mut self,
        is_bypassed: bool,
        hidden_since_ns: Option<u64>,
        not_noted: u64,
        look_ns: RangeInclusive<u64>,
    ) -> Option<RangeInclusive<u64>> {
        let from_ns = mem::replace(&mut self.looked_ns, *look_ns.start());
        let before = mem::replace(&mut self.not_noted, not_noted);
        let from_ns = hidden_since_ns.map_or(from_ns, |since_ns| since_ns.min(from_ns));
        (is_bypassed || before < not_noted).then_some(from_ns..=*look_ns.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_look_finds_is_so_since_the_one_before() {
        let mut missed = Missed::since(5);
        assert_eq!(missed.look(false, None, 0, 10..=12), None);
        assert_eq!(missed.look(true, None, 0, 20..=22), Some(10..=22));
        assert_eq!(missed.look(false, None, 3, 30..=32), Some(20..=32));
        assert_eq!(missed.look(false, None, 3, 40..=42), None);
        assert_eq!(missed.look(true, Some(20), 3, 50..=52), Some(20..=52));
        assert_eq!(missed.look(true, Some(55), 3, 60..=62), Some(50..=62));
    }
}
