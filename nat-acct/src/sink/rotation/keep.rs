//! Which rotated files stay. Pure: the time is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock;

/// Which rotated files stay: those that all of this says of. Without it, all stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Those that were rotated no longer ago.
    pub for_time: Option<Duration>,
    /// The newest ones that have no more bytes together.
    pub bytes: Option<u64>,
}

impl Keep {
    /// Which files are to be removed, by their numbers, of files with when they were rotated and their
    /// lengths in bytes, the oldest first. A clock that was not set tells no age.
    pub(super) fn surplus(&self, files: &[(Timestamp, u64)], now: Timestamp) -> Vec<usize> {
        let is_old = |at: Timestamp| clock::is_set(at.as_nanosecond()) && self.is_old(at, now);
        let too_many = self.bytes.map_or(0, |most| {
            let mut left = most;
            let fit = files.iter().rev().take_while(|(_, bytes)| {
                let fits = *bytes <= left;
                left = left.saturating_sub(*bytes);
                fits
            });
            files.len() - fit.count()
        });
        let numbered = (0..).zip(files);
        let surplus = numbered.filter(|(number, (at, _))| *number < too_many || is_old(*at));
        surplus.map(|(number, _)| number).collect()
    }

    fn is_old(&self, at: Timestamp, now: Timestamp) -> bool {
        let most = self.for_time.map(SignedDuration::try_from);
        most.is_some_and(|most| most.is_ok_and(|most| now.duration_since(at) > most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn old_files_go() {
        let keep = Keep {
            for_time: Some(Duration::from_secs(100)),
            bytes: None,
        };
        check(keep, &[], &[]);
        check(keep, &[(101, 1), (100, 1), (0, 1)], &[0]);
        check(keep, &[(300, 1), (200, 1), (101, 1)], &[0, 1, 2]);
        // By the clock of a machine that did not know the time.
        check(keep, &[(NOW - 500, 1), (0, 1)], &[]);
        check(keep, &[(NOW - 500, 1), (200, 1), (0, 1)], &[1]);
    }

    #[test]
    fn what_is_too_much_goes() {
        let keep = Keep {
            for_time: None,
            bytes: Some(10),
        };
        check(keep, &[(3, 1), (2, 4), (1, 5)], &[]);
        check(keep, &[(3, 2), (2, 4), (1, 5)], &[0]);
        check(keep, &[(3, 1), (2, 4), (1, 11)], &[0, 1, 2]);
        check(keep, &[(3, 1), (2, 8), (1, 5)], &[0, 1]);
    }

    #[test]
    fn all_stay_if_nothing_is_said() {
        check(Keep::default(), &[(NOW, u64::MAX), (1, u64::MAX)], &[]);
    }

    /// Of files with their ages in seconds.
    fn check(keep: Keep, files: &[(i64, u64)], expect: &[usize]) {
        let at = |age| Timestamp::from_second(NOW - age).expect("a time");
        let files: Vec<_> = files
            .iter()
            .map(|(age, bytes)| (at(*age), *bytes))
            .collect();
        assert_eq!(keep.surplus(&files, at(0)), expect, "{files:?}");
    }
}
