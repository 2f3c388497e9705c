//! When the output of `run` is rotated, and what becomes of it.

use std::time::Duration;

use bytesize::ByteSize;
use clap::ValueEnum;
use jiff::{Span, SpanRelativeTo};

use super::UsageError;
use crate::sink::{Keep, Output, Rotation};

/// Longer times are slips of the finger.
const LONGEST_DAYS: u64 = 100 * 366;
/// A file has to hold some records.
const LEAST_SIZE: u64 = 4096;

/// The options.
#[derive(Debug, clap::Args)]
pub struct RotationArgs {
    /// Rotate the output when it has become so large, such as 100MB or 1GiB: it is renamed, and gets
    /// the time behind its name.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub rotate_size: Option<u64>,

    /// Rotate the output whenever so much time is over, counted from the beginning of 1970 in UTC: 1d
    /// at midnight, 1h at each full hour. An empty one is not rotated.
    #[arg(long, value_name = "TIME", value_parser = parse_age)]
    pub rotate_every: Option<Duration>,

    /// What becomes of rotated files. The newest stays as it is, for those who may still be reading
    /// it.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub rotate_compress: CompressArg,

    /// Remove rotated files when they have been rotated so long ago, such as 180d.
    #[arg(long, value_name = "TIME", value_parser = parse_age)]
    pub keep_for: Option<Duration>,

    /// Remove the oldest rotated files when all together are larger than this, such as 10GB.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub keep_size: Option<u64>,
}

/// How rotated files are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompressArg {
    /// Compressed by zstd.
    #[default]
    Zstd,
    /// As they are.
    Off,
}

impl RotationArgs {
    /// What they mean for `output`; `None` if it is not rotated.
    pub fn meant(&self, output: &Output) -> Result<Option<Rotation>, UsageError> {
        let is_rotated = self.rotate_size.is_some() || self.rotate_every.is_some();
        let is_kept = self.keep_for.is_some() || self.keep_size.is_some();
        match (is_rotated, is_kept, output) {
            (false, true, _) => Err(UsageError::KeepWithoutRotation),
            (true, _, Output::Standard) => Err(UsageError::RotationOfStandardOutput),
            (false, false, _) => Ok(None),
            (true, _, Output::File(_)) => Ok(Some(Rotation {
                size_bytes: self.rotate_size,
                every: self.rotate_every,
                compressed: self.rotate_compress == CompressArg::Zstd,
                keep: Keep {
                    for_time: self.keep_for,
                    bytes: self.keep_size,
                },
            })),
        }
    }
}

/// A number of bytes, as `1000`, `100MB` or `1GiB`.
fn parse_size(typed: &str) -> Result<u64, String> {
    let size: ByteSize = typed
        .parse()
        .map_err(|_| "want a size, such as 100MB or 1GiB".to_owned())?;
    if size.as_u64() < LEAST_SIZE {
        return Err(format!("want at least {LEAST_SIZE}"));
    }
    Ok(size.as_u64())
}

/// A time that may have days, of 24 hours, and weeks.
fn parse_age(typed: &str) -> Result<Duration, String> {
    let wrong = || "want a number with a unit, such as 90d or 12h".to_owned();
    let span: Span = typed.parse().map_err(|_| wrong())?;
    let days_are_days = SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days_are_days).map_err(|_| wrong())?;
    let duration = Duration::try_from(duration).map_err(|_| wrong())?;
    if duration < Duration::from_secs(1) {
        return Err("want at least 1s".to_owned());
    }
    if duration > Duration::from_secs(LONGEST_DAYS * 24 * 3600) {
        return Err(format!("want at most {LONGEST_DAYS}d"));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_or_binary() {
        assert_eq!(parse_size("5000"), Ok(5000));
        assert_eq!(parse_size("100MB"), Ok(100_000_000));
        assert_eq!(parse_size("100M"), Ok(100_000_000));
        assert_eq!(parse_size("1 GiB"), Ok(1 << 30));
        for typed in ["", "x", "-1", "1", "10 stones"] {
            assert!(parse_size(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn times_may_have_days() {
        assert_eq!(parse_age("1d"), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse_age("2w"), Ok(Duration::from_secs(14 * 86_400)));
        assert_eq!(parse_age("1h30m"), Ok(Duration::from_secs(5_400)));
        for typed in ["", "1", "0s", "999ms", "-1d", "1month", "36601d"] {
            assert!(parse_age(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let file = Output::File("/x".into());
        assert_eq!(typed(None, None).meant(&Output::Standard), Ok(None));
        assert_eq!(
            typed(None, Some(1)).meant(&file),
            Err(UsageError::KeepWithoutRotation)
        );
        assert_eq!(
            typed(Some(1), None).meant(&Output::Standard),
            Err(UsageError::RotationOfStandardOutput)
        );
        assert!(
            typed(Some(1), Some(1))
                .meant(&file)
                .is_ok_and(|meant| meant.is_some())
        );
    }

    fn typed(rotate_size: Option<u64>, keep_size: Option<u64>) -> RotationArgs {
        RotationArgs {
            rotate_size,
            rotate_every: None,
            rotate_compress: CompressArg::Zstd,
            keep_for: None,
            keep_size,
        }
    }
}
