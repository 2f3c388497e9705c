//! What turns the engine's words into those of the outside world: wall-clock times and names of
//! interfaces. It reads no clock; whoever makes the stamp has read one.

use std::{ffi::OsStr, sync::Arc};

use jiff::Timestamp;

use super::Interface;

/// The conversion from a source's clock to the wall clock, and the names of the interfaces.
#[derive(Clone, Debug)]
pub struct Stamp {
    offset_ns: i128,
    inside: Vec<Arc<str>>,
    outside: Vec<Arc<str>>,
}

impl Stamp {
    /// `offset_ns` is the wall clock's nanoseconds since the Unix epoch when the source's clock
    /// shows 0; the names are in the order of the command line.
    pub fn new<S: AsRef<OsStr>>(offset_ns: i128, inside: &[S], outside: &[S]) -> Self {
        Self {
            offset_ns,
            inside: names(inside),
            outside: names(outside),
        }
    }

    /// The wall-clock time at `source_ns` of the source's clock, in whole microseconds: what the
    /// formats print, so that a duration equals the difference of the printed times.
    pub fn wall_clock(&self, source_ns: u64) -> Timestamp {
        let since_epoch_ns = self.offset_ns.saturating_add(i128::from(source_ns));
        let microseconds = i64::try_from(since_epoch_ns.div_euclid(1000));
        microseconds
            .ok()
            .and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok())
            .unwrap_or_else(|| nearest(since_epoch_ns))
    }

    /// The name of an interface.
    pub fn name(&self, interface: Interface) -> Arc<str> {
        match interface {
            Interface::Inside(number) => name(&self.inside, number),
            Interface::Outside(number) => name(&self.outside, number),
        }
    }
}

/// For a clock that is off by thousands of years.
fn nearest(since_epoch_ns: i128) -> Timestamp {
    if since_epoch_ns < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    }
}

/// Linux allows any bytes but `/` and white space in a name; what is not UTF-8 is replaced.
fn names<S: AsRef<OsStr>>(names: &[S]) -> Vec<Arc<str>> {
    names
        .iter()
        .map(|name| name.as_ref().to_string_lossy().into())
        .collect()
}

/// A record with a number in place of a name is better than none.
fn name(names: &[Arc<str>], number: usize) -> Arc<str> {
    names
        .get(number)
        .cloned()
        .unwrap_or_else(|| format!("#{number}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_microseconds_of_the_wall_clock() {
        check(0, 0, "1970-01-01T00:00:00Z");
        check(0, 1_999, "1970-01-01T00:00:00.000001Z");
        check(
            1_795_340_540_000_000_000,
            615_902_999,
            "2026-11-22T09:42:20.615902Z",
        );
        check(-1, 0, "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn no_clock_is_out_of_range() {
        check(i128::MIN, u64::MAX, &Timestamp::MIN.to_string());
        check(i128::MAX, u64::MAX, &Timestamp::MAX.to_string());
    }

    #[test]
    fn a_number_without_a_name_stays_a_number() {
        let stamp = Stamp::new(0, &["br0", "br1"], &["eth1"]);
        assert_eq!(&*stamp.name(Interface::Inside(1)), "br1");
        assert_eq!(&*stamp.name(Interface::Outside(0)), "eth1");
        assert_eq!(&*stamp.name(Interface::Outside(7)), "#7");
    }

    fn check(offset_ns: i128, source_ns: u64, expect: &str) {
        let stamp = Stamp::new::<&str>(offset_ns, &[], &[]);
        assert_eq!(stamp.wall_clock(source_ns).to_string(), expect);
    }
}
