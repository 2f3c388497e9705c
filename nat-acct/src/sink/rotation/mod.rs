//! Rotation of a file of records: it is renamed, and what it was is compressed and in the end removed.
//! Here is when and how; who does it is the agent's worry.
//!
//! A rotated file has the name of the output and, behind a dot, when it was rotated:
//! `nat-acct.jsonl.20261125T130501.070Z`. All steps are by rename, so whatever is interrupted is found, and
//! done again, by the next look.

mod archive;
mod compress;
mod due;
mod keep;
mod name;

use std::time::Duration;

pub(super) use self::name::{COMPRESSED, name};
pub use self::{archive::Archive, due::Due, keep::Keep};

/// When a file is rotated, and what becomes of it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// When it has become so large.
    pub size_bytes: Option<u64>,
    /// When so much of the wall clock's time has begun anew, counted from the Unix epoch.
    pub every: Option<Duration>,
    /// Whether all rotated files but the newest are compressed.
    pub compressed: bool,
    /// Which rotated files stay.
    pub keep: Keep,
}
