//! When it is time to rotate. Pure: the time is an argument.

use std::time::Duration;

use super::Rotation;
use crate::clock;

/// Keeps in mind in which period a file was begun.
#[derive(Clone, Debug)]
pub struct Due {
    size_bytes: Option<u64>,
    every_ns: Option<i128>,
    began_ns: Option<i128>,
}

impl Due {
    /// For a file that, unless it is empty, was last written to at `modified_ns`, in nanoseconds since
    /// the Unix epoch, as all times here.
    pub fn new(rotation: &Rotation, modified_ns: Option<i128>) -> Self {
        let every = rotation.every.filter(|every| !every.is_zero());
        Self {
            size_bytes: rotation.size_bytes,
            every_ns: every.map(|every| every.as_nanos().cast_signed()),
            began_ns: modified_ns,
        }
    }

    /// Whether the file is to be rotated before more is written to it, given its length.
    pub fn before_writing(&mut self, len_bytes: u64, now_ns: i128) -> bool {
        if len_bytes == 0 {
            self.began_ns = Some(now_ns);
        }
        self.is_due(len_bytes, now_ns)
    }

    /// Whether the file is to be rotated now. An empty one never is.
    pub fn is_due(&self, len_bytes: u64, now_ns: i128) -> bool {
        let is_large = self.size_bytes.is_some_and(|most| len_bytes >= most);
        let period = |at_ns: i128| self.every_ns.map(|every_ns| at_ns.div_euclid(every_ns));
        let began_ns = self.began_ns.unwrap_or(now_ns);
        let is_of_another = period(began_ns) != period(now_ns);
        len_bytes > 0 && (is_large || is_of_another && clock::is_set(now_ns))
    }

    /// How long until it may be time although nothing is written.
    pub fn until_next(&self, now_ns: i128) -> Option<Duration> {
        let every_ns = self.every_ns?;
        let left_ns = every_ns - now_ns.rem_euclid(every_ns);
        u64::try_from(left_ns).ok().map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SET_NS;
    use crate::sink::rotation::Keep;

    const HOUR_NS: i128 = 3_600_000_000_000;
    const AN_HOUR_NS: i128 = SET_NS + HOUR_NS;

    #[test]
    fn a_large_file_is_due() {
        let mut due = due(Some(100), None, None);
        assert!(!due.before_writing(0, 0));
        assert!(!due.before_writing(99, HOUR_NS));
        assert!(due.before_writing(100, HOUR_NS));
        assert_eq!(due.until_next(0), None);
    }

    #[test]
    fn a_file_of_another_hour_is_due() {
        let mut due = due(None, Some(3600), None);
        assert!(!due.before_writing(0, AN_HOUR_NS - 1));
        assert!(!due.is_due(1, AN_HOUR_NS - 1));
        assert!(due.is_due(1, AN_HOUR_NS));
        assert!(!due.is_due(0, AN_HOUR_NS));
        // What was begun anew is of this hour.
        assert!(!due.before_writing(0, AN_HOUR_NS));
        assert!(!due.is_due(1, AN_HOUR_NS + 1));
        // The clock was set back.
        assert!(due.is_due(1, SET_NS));
        assert_eq!(due.until_next(HOUR_NS - 5), Some(Duration::from_nanos(5)));
        assert_eq!(due.until_next(HOUR_NS), Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_file_that_was_there_is_of_the_hour_of_its_last_line() {
        let due = |modified_ns| due(None, Some(3600), Some(modified_ns));
        assert!(due(AN_HOUR_NS - 1).before_writing(1, AN_HOUR_NS));
        assert!(!due(AN_HOUR_NS).before_writing(1, AN_HOUR_NS + 1));
    }

    #[test]
    fn a_machine_that_does_not_know_the_time_yet_rotates_nothing_by_it() {
        for began_ns in [0, AN_HOUR_NS] {
            let due = due(Some(100), Some(3600), Some(began_ns));
            assert!(!due.is_due(1, 5 * HOUR_NS));
            assert!(due.is_due(100, 5 * HOUR_NS));
            assert!(due.is_due(1, AN_HOUR_NS + HOUR_NS));
        }
    }

    fn due(size_bytes: Option<u64>, every_s: Option<u64>, modified_ns: Option<i128>) -> Due {
        let rotation = Rotation {
            size_bytes,
            every: every_s.map(Duration::from_secs),
            compressed: false,
            keep: Keep::default(),
        };
        Due::new(&rotation, modified_ns)
    }
}
