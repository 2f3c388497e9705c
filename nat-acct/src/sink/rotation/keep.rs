//! Which rotated files stay. Pure: the time is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A clock that shows less than the start of 2025 has not been set since the machine came up, so it does
/// not tell the age of a file.
const CLOCK_IS_SET: i64 = 1_735_689_600;

/// Which rotated files stay: those that all of this says of. Without it, all stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Those that were rotated no longer ago.
    pub for_time: Option<Duration>,
    /// The newest ones that have no more bytes together.
    pub bytes: Option<u64>,
}

impl Keep {
    /// How many of the oldest files are to be removed, of files with when they were rotated and their
    /// lengths in bytes, the oldest first.
    pub(super) fn surplus(&self, files: &[(Timestamp, u64)], now: Timestamp) -> usize {
        let is_old = |at: Timestamp| at.as_second() >= CLOCK_IS_SET && self.is_old(at, now);
        let old = files.iter().rposition(|(at, _)| is_old(*at));
        let too_many = self.bytes.map_or(0, |most| {
            let mut left = most;
            let fit = files.iter().rev().take_while(|(_, bytes)| {
                let fits = *bytes <= left;
                left = left.saturating_sub(*bytes);
                fits
            });
            files.len() - fit.count()
        });
        too_many.max(old.map_or(0, |last| last + 1))
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
        check(keep, &[], 0);
        check(keep, &[(101, 1), (100, 1), (0, 1)], 1);
        check(keep, &[(300, 1), (200, 1), (101, 1)], 3);
        // By the clock of a machine that did not know the time.
        check(keep, &[(NOW - 500, 1), (0, 1)], 0);
        check(keep, &[(NOW - 500, 1), (200, 1), (0, 1)], 2);
    }

    #[test]
    fn what_is_too_much_goes() {
        let keep = Keep {
            for_time: None,
            bytes: Some(10),
        };
        check(keep, &[(3, 1), (2, 4), (1, 5)], 0);
        check(keep, &[(3, 2), (2, 4), (1, 5)], 1);
        check(keep, &[(3, 1), (2, 4), (1, 11)], 3);
        check(keep, &[(3, 1), (2, 8), (1, 5)], 2);
    }

    #[test]
    fn all_stay_if_nothing_is_said() {
        check(Keep::default(), &[(NOW, u64::MAX), (1, u64::MAX)], 0);
    }

    /// Of files with their ages in seconds.
    fn check(keep: Keep, files: &[(i64, u64)], expect: usize) {
        let at = |age| Timestamp::from_second(NOW - age).expect("a time");
        let files: Vec<_> = files
            .iter()
            .map(|(age, bytes)| (at(*age), *bytes))
            .collect();
        assert_eq!(keep.surplus(&files, at(0)), expect, "{files:?}");
    }
}
