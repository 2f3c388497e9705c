//! `nat-acct store check`: whether all is there that was recorded, by the numbers of the records, and
//! all that was imported, by the sums in the index.

use std::{fmt, path::Path};

use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;

use super::{
    Dir, Gap,
    files::{
        hour::Hour,
        index::{self, Contents},
        open,
    },
};
use crate::record::{Run, time};

/// What a store has, and what it has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many files of hours.
    pub hours: u64,
    /// How many records of ends.
    pub records: u64,
    /// The runs of agents.
    pub runs: Vec<CheckedRun>,
    /// Numbers that are missing.
    pub gaps: Vec<Gap>,
    /// Files that are missing or damaged, and in what way.
    pub damaged: Vec<String>,
}

/// What a store has of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedRun {
    /// Which one.
    pub run: Run,
    /// The first number and the last, if there are records of ends.
    pub numbers: Option<(u64, u64)>,
    /// When its newest record was made, in microseconds since the Unix epoch.
    pub until_us: i64,
}

impl Checked {
    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.damaged.is_empty()
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} records in {} files", self.records, self.hours)?;
        for of_run in &self.runs {
            write!(f, "agent {}: ", of_run.run)?;
            match of_run.numbers {
                Some((first, last)) => write!(f, "records {first} to {last}")?,
                None => f.write_str("no records of ends")?,
            }
            writeln!(f, ", the newest of {}", time(of_run.until_us))?;
        }
        for gap in &self.gaps {
            writeln!(f, "missing: {gap}")?;
        }
        for damaged in &self.damaged {
            writeln!(f, "damaged: {damaged}")?;
        }
        if self.is_complete() {
            f.write_str("nothing is missing\n")?;
        }
        Ok(())
    }
}

/// Reads all of a store.
///
/// # Errors
///
/// When there is no store, or its index cannot be read.
pub fn check(store: &Path) -> Result<Checked> {
    let dir = Dir::existing(store)?;
    let index = open::for_reading(&dir.index())?;
    let kept_since_us = index::kept_since_us(&index)?.unwrap_or(i64::MIN);
    let numbers = index::all_numbers(&index)?;
    let mut gaps = numbers.gaps();
    gaps.retain(|gap| gap.until_us >= kept_since_us);
    let runs = numbers.runs();
    let mut checked = Checked {
        runs: runs
            .map(|(run, of_run)| CheckedRun {
                run,
                numbers: of_run.first_and_last(),
                until_us: of_run.span.until_us,
            })
            .collect(),
        gaps,
        ..Checked::default()
    };
    for (hour, _) in index::hours(&index)? {
        let (expected, found) = compare(&index, &dir, hour)?;
        checked.hours += 1;
        checked.records += expected.records;
        match found {
            Ok(found) if found == (expected.records, expected.ids) => {}
            Ok((records, _)) => checked.damaged.push(format!(
                "{} does not have the {} records that were imported, but {records}",
                dir.hour(hour).display(),
                expected.records
            )),
            Err(error) => checked.damaged.push(format!("{error:#}")),
        }
    }
    Ok(checked)
}

/// What the index says of an hour, and what is in its file, at a moment when nothing is imported.
fn compare(index: &Connection, dir: &Dir, hour: Hour) -> Result<(Contents, Result<(u64, u128)>)> {
    loop {
        let before = index::hour(index, hour)?;
        let found = read(&dir.hour(hour));
        if index::hour(index, hour)? == before {
            return Ok((before, found));
        }
    }
}

/// How many records there are, and the exclusive or of their identifiers.
fn read(path: &Path) -> Result<(u64, u128)> {
    let database = open::for_reading(path)?;
    let read = || {
        let intact: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        ensure!(intact == "ok", "{intact}");
        let mut query = database.prepare("SELECT id FROM record")?;
        let ids = query.query_map([], |row| row.get(0))?;
        let mut sums = (0, 0);
        for id in ids {
            sums = (sums.0 + 1, sums.1 ^ u128::from_be_bytes(id?));
        }
        Ok(sums)
    };
    read().with_context(|| format!("{} is damaged", path.display()))
}
