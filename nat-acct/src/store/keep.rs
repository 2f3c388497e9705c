//! `nat-acct store keep`: throws away what is older than it has to be kept. Whole files go, none is
//! written anew.

use std::{fs, io, path::PathBuf};

use anyhow::{Context as _, Result};
use rusqlite::params;

use super::{
    Dir,
    files::{hour::Hour, open},
};

/// What to keep of which store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepConfig {
    /// The directory of the store.
    pub store: PathBuf,
    /// Hours that ended before this are thrown away, in microseconds since the Unix epoch.
    pub since_us: i64,
}

/// What was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Files.
    pub hours: u64,
    /// Records in them.
    pub records: u64,
}

/// Throws away hours, and connections that were last told of before them.
///
/// # Errors
///
/// When the store cannot be written. What is left is thrown away the next time.
pub fn keep(config: &KeepConfig) -> Result<Kept> {
    let dir = Dir::existing(&config.store)?;
    let oldest = Hour::of(config.since_us);
    let mut index = open::for_writing(&dir.index())?;
    let forget = index.transaction()?;
    let records: i64 = forget.query_row(
        "SELECT coalesce(sum(records), 0) FROM hour WHERE hour < ?",
        [oldest.0],
        |row| row.get(0),
    )?;
    // First the index, so that it never speaks of files that are gone.
    forget.execute("DELETE FROM hour WHERE hour < ?", [oldest.0])?;
    forget.execute("DELETE FROM long WHERE hour < ?", [oldest.0])?;
    forget.execute(
        "DELETE FROM open WHERE written < ?",
        params![oldest.start_us()],
    )?;
    forget.execute("INSERT INTO kept VALUES (?)", params![oldest.start_us()])?;
    forget.execute(
        "DELETE FROM kept WHERE since < (SELECT max(since) FROM kept)",
        [],
    )?;
    forget.commit()?;
    let mut hours = 0;
    for hour in dir.hours().context("cannot list the store")? {
        if hour < oldest {
            let path = dir.hour(hour);
            match fs::remove_file(&path) {
                Ok(()) => hours += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot remove {}", path.display()));
                }
            }
        }
    }
    Ok(Kept {
        hours,
        records: records as u64,
    })
}
