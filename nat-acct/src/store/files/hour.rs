//! An hour of the wall clock in UTC, after which a file of the store is called.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const HOUR_US: i64 = 3_600_000_000;

/// An hour, by its number since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hour(pub i64);

impl Hour {
    /// The hour in which a time is.
    pub(crate) fn of(time_us: i64) -> Self {
        Self(time_us.div_euclid(HOUR_US))
    }

    /// Whether a connection that began at this time is not looked for in this hour: it lived on past
    /// the hour after the one in which it began.
    pub(crate) fn is_late_for(self, start_us: i64) -> bool {
        self > Self::of(start_us).next()
    }

    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// When it begins.
    pub(crate) fn start_us(self) -> i64 {
        self.0.saturating_mul(HOUR_US)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = Timestamp::from_microsecond(self.start_us()).unwrap_or(Timestamp::MIN);
        write!(f, "{}Z", start.strftime("%Y-%m-%dT%H"))
    }
}

impl FromStr for Hour {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let start = DateTime::strptime("%Y-%m-%dT%H", text.trim_end_matches('Z'))?;
        let start = TimeZone::UTC.to_timestamp(start)?;
        Ok(Self::of(start.as_microsecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_a_name() {
        check(1_795_340_540_615_902, "2026-11-22T09Z");
        check(0, "1970-01-01T00Z");
        check(-1, "1969-12-31T23Z");
    }

    fn check(time_us: i64, expect: &str) {
        let hour = Hour::of(time_us);
        assert_eq!(hour.to_string(), expect);
        assert_eq!(expect.parse::<Hour>().unwrap(), hour);
    }
}
