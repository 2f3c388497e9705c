//! Lines that are no records: kept as they are in a file, each once.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use rusqlite::Connection;

use super::Input;

/// Where a line is from, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    pub(super) fn of(input: &Input) -> Self {
        match input {
            Input::Stdin => Self::Stdin,
            Input::File(path) => Self::File(path.clone()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// A line that is no record.
pub(super) struct Reject(Vec<u8>);

impl Reject {
    pub(super) fn of(line: &[u8]) -> Self {
        Self(line.to_vec())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Adds to the file those that are not in it, and has the index remember them: the file is on disk
/// before the index is.
pub(super) fn keep(index: &Connection, path: &Path, rejects: &[Reject]) -> Result<()> {
    let mut insert = index.prepare_cached("INSERT OR IGNORE INTO rejected VALUES (?)")?;
    let mut fresh = Vec::new();
    for Reject(line) in rejects {
        if insert.execute([line])? == 1 {
            fresh.extend_from_slice(line);
            fresh.push(b'\n');
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    let add = || {
        let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(&fresh)?;
        file.sync_data()
    };
    add().with_context(|| format!("cannot write to {}", path.display()))
}
