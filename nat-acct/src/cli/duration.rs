//! Durations as people type them: `90s`, `2h4m`, `1 hour`, `PT2H4M`.

use std::time::Duration;

use jiff::SignedDuration;

/// Longer waits are slips of the finger, and would not fit some sums of nanoseconds.
const LONGEST_HOURS: i64 = 366 * 24;

/// A duration from nothing to a year.
pub fn parse_duration(typed: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = typed
        .parse()
        .map_err(|_| "want a number with a unit, such as 90s or 2h4m".to_owned())?;
    if parsed > SignedDuration::from_hours(LONGEST_HOURS) {
        return Err(format!("want at most {LONGEST_HOURS}h"));
    }
    Duration::try_from(parsed).map_err(|_| "want no negative time".to_owned())
}

/// A duration that is not nothing.
pub fn parse_timeout(typed: &str) -> Result<Duration, String> {
    let parsed = parse_duration(typed)?;
    if parsed.is_zero() {
        return Err("want more than nothing".to_owned());
    }
    Ok(parsed)
}

/// A duration for a source's clock. Centuries are as good as for ever.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_typed_as_people_do() {
        check("90s", 90_000);
        check("2h4m", 7_440_000);
        check("2h 4m", 7_440_000);
        check("1 hour", 3_600_000);
        check("250ms", 250);
        check("PT2M", 120_000);
        check("0s", 0);
        check("8784h", 8784 * 3_600_000);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        refuse("", "want a number with a unit, such as 90s or 2h4m");
        refuse("90", "want a number with a unit, such as 90s or 2h4m");
        refuse("soon", "want a number with a unit, such as 90s or 2h4m");
        refuse(
            "99999999999999999999h",
            "want a number with a unit, such as 90s or 2h4m",
        );
        refuse("-1s", "want no negative time");
        refuse("8785h", "want at most 8784h");
        refuse("0s", "want more than nothing");
    }

    fn check(typed: &str, expect_ms: u64) {
        assert_eq!(parse_duration(typed), Ok(Duration::from_millis(expect_ms)));
    }

    fn refuse(typed: &str, expect: &str) {
        assert_eq!(parse_timeout(typed), Err(expect.to_owned()));
    }
}
