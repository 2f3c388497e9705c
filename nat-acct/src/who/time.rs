//! When, as people and notices write it: by RFC 3339, in seconds since the Unix epoch, or as a local
//! time with the name of its zone. A time without seconds is a minute long, one with seconds a second,
//! and so on: somewhere in there it happened.

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

/// When something happened: at one time or, by a clock that was set back, at one of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The times, the earlier first.
    pub spans: Vec<Span>,
}

/// From one time to another, both included, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first microsecond.
    pub from_us: i64,
    /// The last.
    pub until_us: i64,
}

const SECOND_US: i64 = 1_000_000;
const ZONES: &str = "Z, +01:00 or Europe/Amsterdam";

/// Reads a time.
pub fn parse_at(typed: &str) -> Result<At, String> {
    let typed = typed.trim();
    if typed
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return epoch(typed);
    }
    let (local, zone) = split(typed);
    let (start, length_us) = read_local(local)?;
    let starts = instants(start, zone.trim())?;
    let spans = starts.into_iter().map(|start| Span {
        from_us: start.as_microsecond(),
        until_us: start.as_microsecond() + length_us - 1,
    });
    Ok(At {
        spans: spans.collect(),
    })
}

fn epoch(typed: &str) -> Result<At, String> {
    let wrong = || "want seconds since 1970, such as 1795340540 or 1795340540.615".to_owned();
    let (whole, fraction) = typed.split_once('.').unwrap_or((typed, ""));
    let seconds: i64 = whole.parse().map_err(|_| wrong())?;
    // The year 5138: what is larger is in other units.
    if seconds >= 100_000_000_000 || fraction.contains('.') {
        return Err(wrong());
    }
    let (fraction_us, length_us) = read_fraction(fraction).ok_or_else(wrong)?;
    let from_us = seconds * SECOND_US + fraction_us;
    Ok(At {
        spans: vec![Span {
            from_us,
            until_us: from_us + length_us - 1,
        }],
    })
}

/// The digits behind a decimal point, in microseconds, and how long the last of them is.
fn read_fraction(digits: &str) -> Option<(i64, i64)> {
    if digits.is_empty() {
        return Some((0, SECOND_US));
    }
    let kept = &digits[..digits.len().min(6)];
    let length_us = 10_i64.pow(6 - kept.len() as u32);
    Some((kept.parse::<i64>().ok()? * length_us, length_us))
}

/// The local time, and what is behind it.
fn split(typed: &str) -> (&str, &str) {
    let is_of_time = |(at, character): &(usize, char)| match at {
        0..10 => true,
        10 => matches!(character, 'T' | 't' | ' '),
        _ => character.is_ascii_digit() || matches!(character, ':' | '.'),
    };
    let end = typed.char_indices().find(|next| !is_of_time(next));
    typed.split_at(end.map_or(typed.len(), |(at, _)| at))
}

fn read_local(local: &str) -> Result<(DateTime, i64), String> {
    let wrong = || format!("want a date and a time, such as 2026-11-22T09:43:12Z, not {local:?}");
    let (whole, fraction) = local.split_once('.').unwrap_or((local, ""));
    let has_seconds = whole.bytes().filter(|byte| *byte == b':').count() == 2;
    // jiff takes a date alone, and an hour alone, too.
    let is_time = has_seconds || fraction.is_empty() && whole.contains(':');
    let start: DateTime = whole.parse().map_err(|_| wrong())?;
    let (fraction_us, length_us) = read_fraction(fraction).ok_or_else(wrong)?;
    let start = start.checked_add(SignedDuration::from_micros(fraction_us));
    match start {
        Ok(start) if is_time && has_seconds => Ok((start, length_us)),
        Ok(start) if is_time => Ok((start, 60 * SECOND_US)),
        _ => Err(wrong()),
    }
}

/// When a clock in a zone shows a time.
fn instants(local: DateTime, zone: &str) -> Result<Vec<Timestamp>, String> {
    let out_of_range = |_| format!("{local} is out of range");
    let at = |offset: Offset| offset.to_timestamp(local).map_err(out_of_range);
    if zone.is_empty() {
        return Err(format!("in which zone? Add one to the time: {ZONES}"));
    }
    let bare = zone
        .strip_prefix('[')
        .and_then(|zone| zone.strip_suffix(']'));
    if let Some(offset) = read_offset(zone) {
        return Ok(vec![at(offset)?]);
    }
    let zone = bare.unwrap_or(zone);
    let zone = TimeZone::get(zone)
        .map_err(|_| format!("there is no zone {zone:?}: want one such as {ZONES}"))?;
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => Ok(vec![at(offset)?]),
        AmbiguousOffset::Fold { before, after } => Ok(vec![at(before)?, at(after)?]),
        AmbiguousOffset::Gap { .. } => Err(format!(
            "no clock showed {local} there: they were set forward past it"
        )),
    }
}

/// `Z`, `+01:00`, `+0100` or `+01`.
fn read_offset(zone: &str) -> Option<Offset> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits.split_once(':')?,
        _ => return None,
    };
    let [hours, minutes]: [i32; 2] = [hours.parse().ok()?, minutes.parse().ok()?];
    if minutes >= 60 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_long_as_its_last_digit() {
        check("2026-11-22T09:43:12Z", &["2026-11-22T09:43:12Z"], SECOND_US);
        check(
            "2026-11-22T09:43:12.615902Z",
            &["2026-11-22T09:43:12.615902Z"],
            1,
        );
        check(
            "2026-11-22T09:43:12.6159029Z",
            &["2026-11-22T09:43:12.615902Z"],
            1,
        );
        check(
            "2026-11-22 09:43:12.6+01:00",
            &["2026-11-22T08:43:12.6Z"],
            100_000,
        );
        check(
            "2026-11-22 09:43 -0530",
            &["2026-11-22T15:13:00Z"],
            60 * SECOND_US,
        );
        check("1795340540", &["2026-11-22T09:42:20Z"], SECOND_US);
        check("1795340540.615", &["2026-11-22T09:42:20.615Z"], 1000);
    }

    #[test]
    fn a_local_time_has_a_zone() {
        check(
            "2026-11-22 09:43 Europe/Amsterdam",
            &["2026-11-22T08:43:00Z"],
            60 * SECOND_US,
        );
        check(
            "2026-07-01T09:43:00[Europe/Amsterdam]",
            &["2026-07-01T07:43:00Z"],
            SECOND_US,
        );
        check(
            "2026-11-22 09:43:00 UTC",
            &["2026-11-22T09:43:00Z"],
            SECOND_US,
        );
        refuse(
            "2026-11-22 09:43",
            "in which zone? Add one to the time: Z, +01:00 or Europe/Amsterdam",
        );
        refuse(
            "2026-11-22 09:43 CEST",
            "there is no zone \"CEST\": want one such as Z, +01:00 or Europe/Amsterdam",
        );
    }

    #[test]
    fn an_hour_that_happens_twice_is_two_times() {
        check(
            "2026-10-25 02:30 Europe/Amsterdam",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
            60 * SECOND_US,
        );
        check(
            "2026-10-25 02:30 +02:00",
            &["2026-10-25T00:30:00Z"],
            60 * SECOND_US,
        );
        refuse(
            "2026-03-29 02:30 Europe/Amsterdam",
            "no clock showed 2026-03-29T02:30:00 there: they were set forward past it",
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for typed in [
            "",
            "now",
            "2026-11-22",
            "2026-11-22Z",
            "2026-11-22T09Z",
            "09:43Z",
            "22-11-2026 09:43Z",
            "1795340540615",
            "1.2.3",
            "2026-11-22T09:43:12.Z+1",
            "2026-11-22T25:00Z",
            "2026-11-22 09:43 +1",
            "2026-11-22T09:43.5Z",
        ] {
            assert!(parse_at(typed).is_err(), "{typed}");
        }
    }

    fn check(typed: &str, expect: &[&str], length_us: i64) {
        let spans = expect.iter().map(|start| {
            let from_us = start.parse::<Timestamp>().unwrap().as_microsecond();
            Span {
                from_us,
                until_us: from_us + length_us - 1,
            }
        });
        assert_eq!(
            parse_at(typed),
            Ok(At {
                spans: spans.collect()
            }),
            "{typed}"
        );
    }

    fn refuse(typed: &str, expect: &str) {
        assert_eq!(parse_at(typed), Err(expect.to_owned()));
    }
}
