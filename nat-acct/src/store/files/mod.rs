//! What a store looks like on disk: which files there are, what their tables are, how a record is a
//! row.

pub(super) mod hour;
pub(super) mod index;
pub(super) mod key;
pub(super) mod networks;
pub(super) mod open;
pub(super) mod row;
pub(super) mod schema;

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use hour::Hour;

/// Where the store is by default.
pub const DEFAULT_DIR: &str = "/var/lib/nat-acct/store";

const ENDING: &str = "sqlite";

/// A directory that holds a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir(PathBuf);

impl Dir {
    /// Makes the directory, if it is missing; others than its owner and group may not look into it.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn make(path: &Path) -> Result<Self> {
        let mut missing = DirBuilder::new();
        let made = missing.recursive(true).mode(0o750).create(path);
        made.with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// The directory of a store that is there.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn existing(path: &Path) -> Result<Self> {
        let dir = Self(path.to_owned());
        ensure!(
            dir.index().exists() || !dir.hours().unwrap_or_default().is_empty(),
            "there is no store in {}: `nat-acct store import` makes one",
            path.display()
        );
        Ok(dir)
    }

    pub(super) fn index(&self) -> PathBuf {
        self.0.join("index").with_extension(ENDING)
    }

    pub(super) fn hour(&self, hour: Hour) -> PathBuf {
        self.0.join(hour.to_string()).with_extension(ENDING)
    }

    /// Lines that are no records.
    pub(super) fn rejects(&self) -> PathBuf {
        self.0.join("rejected.jsonl")
    }

    /// The hours that there are files of, in order.
    pub(super) fn hours(&self) -> io::Result<Vec<Hour>> {
        let mut hours = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let hour = name.to_str().and_then(|name| name.strip_suffix(".sqlite"));
            hours.extend(hour.and_then(|hour| hour.parse::<Hour>().ok()));
        }
        hours.sort_unstable();
        Ok(hours)
    }
}
