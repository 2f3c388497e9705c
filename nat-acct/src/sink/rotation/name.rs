//! The names of rotated files. What has another name is not ours to touch.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// In this order, names are in the order of their times.
const STAMP: &str = "%Y%m%dT%H%M%S%.3fZ";
/// Behind the name of a compressed file.
pub const COMPRESSED: &str = ".zst";
/// Behind the name of a file that is being compressed.
pub(super) const PARTIAL: &str = ".partial";

/// A rotated file, by its name. The order is that of the rotations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rotated {
    /// When it was rotated, to the millisecond.
    pub(super) at: Timestamp,
    pub(super) form: Form,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Plain,
    Compressed,
    /// Compressing it was interrupted, or goes on.
    Partial,
}

/// The name that `output` gets when it is rotated at `at`.
pub fn name(output: &OsStr, at: Timestamp) -> OsString {
    let mut name = output.to_owned();
    name.push(format!(".{}", at.strftime(STAMP)));
    name
}

/// The inverse; `None` for what is no rotated file of `output`.
pub(super) fn parse(output: &OsStr, name: &OsStr) -> Option<Rotated> {
    let behind = name.as_bytes().strip_prefix(output.as_bytes())?;
    let behind = std::str::from_utf8(behind).ok()?.strip_prefix('.')?;
    let (stamp, form) = form(behind)?;
    let at = DateTime::strptime(STAMP, stamp).ok()?;
    let at = TimeZone::UTC.to_timestamp(at).ok()?;
    // What is not written as it would be is somebody else's.
    (at.strftime(STAMP).to_string() == stamp).then_some(Rotated { at, form })
}

fn form(behind: &str) -> Option<(&str, Form)> {
    let Some(rest) = behind.strip_suffix(PARTIAL) else {
        return Some(match behind.strip_suffix(COMPRESSED) {
            Some(rest) => (rest, Form::Compressed),
            None => (behind, Form::Plain),
        });
    };
    Some((rest.strip_suffix(COMPRESSED)?, Form::Partial))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_read_back() {
        let at = Timestamp::from_millisecond(1_795_341_901_070).expect("a time");
        let name = name("r.jsonl".as_ref(), at);
        assert_eq!(name, "r.jsonl.20261122T100501.070Z");
        for (suffix, form) in [
            ("", Form::Plain),
            (".zst", Form::Compressed),
            (".zst.partial", Form::Partial),
        ] {
            let mut name = name.clone();
            name.push(suffix);
            assert_eq!(parse("r.jsonl".as_ref(), &name), Some(Rotated { at, form }));
        }
    }

    #[test]
    fn what_others_have_made_is_none() {
        for name in [
            "r.jsonl",
            "r.jsonl.",
            "r.jsonl.1",
            "r.jsonl.zst",
            "r.jsonl-20261122",
            "r.jsonl.20261122T100501Z",
            "r.jsonl.20261122T100501.070Z.gz",
            "r.jsonl.20261122T100501.070Z.partial",
            "r.jsonl.20261122T100501.07Z",
            "r.jsonl.20261322T100501.070Z",
            "r.jsonl.2026112T100501.070Z",
            "s.jsonl.20261122T100501.070Z",
        ] {
            assert_eq!(parse("r.jsonl".as_ref(), name.as_ref()), None, "{name}");
        }
    }
}
