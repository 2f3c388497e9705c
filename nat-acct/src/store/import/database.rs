//! The files that a transaction writes to: the index, to which those of the hours are attached.

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags};

use super::batch::MOST_HOURS;
use crate::store::{
    Dir,
    files::{hour::Hour, open::PATIENCE, schema},
};

/// Pages of one file that are kept in memory until they are written.
const CACHE_KIB: u32 = 64 * 1024;

pub(super) struct Database {
    pub dir: Dir,
    pub index: Connection,
    /// The hours whose files are attached, each by its place in here.
    attached: Vec<Option<Hour>>,
}

impl Database {
    pub(super) fn open(dir: Dir) -> Result<Self> {
        let path = dir.index();
        let opened = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let index = Connection::open_with_flags(&path, flags)?;
            index.busy_timeout(PATIENCE)?;
            index.set_prepared_statement_cache_capacity(128);
            make(&index, "main", &schema::index())?;
            index.execute_batch(schema::NEWEST_STARTS)?;
            Ok::<_, anyhow::Error>(index)
        };
        Ok(Self {
            index: opened().with_context(|| format!("cannot open {}", path.display()))?,
            attached: vec![None; MOST_HOURS],
            dir,
        })
    }

    /// Has the files of these hours at hand.
    pub(super) fn attach(&mut self, hours: &[Hour]) -> Result<()> {
        for hour in hours {
            if self.name(*hour).is_some() {
                continue;
            }
            let unused = self
                .attached
                .iter()
                .position(|attached| attached.is_none_or(|attached| !hours.contains(&attached)));
            let place = unused.context("too many hours at once")?;
            let name = format!("h{place}");
            if self.attached[place].take().is_some() {
                self.index.flush_prepared_statement_cache();
                self.index.execute_batch(&format!("DETACH {name}"))?;
            }
            let path = self.dir.hour(*hour);
            self.attach_one(*hour, &name)
                .with_context(|| format!("cannot open {}", path.display()))?;
            self.attached[place] = Some(*hour);
        }
        Ok(())
    }

    fn attach_one(&self, hour: Hour, name: &str) -> Result<()> {
        let path = self.dir.hour(hour);
        if !path.exists() {
            // Somebody may have taken the file away.
            self.index
                .execute("DELETE FROM hour WHERE hour = ?", [hour.0])?;
        }
        let text = path.to_str().context("its path is not UTF-8")?;
        self.index.execute(&format!("ATTACH ? AS {name}"), [text])?;
        let made = make(&self.index, name, &schema::hour(name, hour));
        if made.is_err() {
            self.index.execute_batch(&format!("DETACH {name}"))?;
        }
        made
    }

    /// What the file of an hour is called in statements, if it is at hand.
    pub(super) fn name(&self, hour: Hour) -> Option<String> {
        let place = self
            .attached
            .iter()
            .position(|attached| *attached == Some(hour))?;
        Some(format!("h{place}"))
    }
}

/// Makes the tables in a file that has none.
fn make(database: &Connection, name: &str, tables: &str) -> Result<()> {
    let version: i64 =
        database.query_row(&format!("PRAGMA {name}.user_version"), [], |row| row.get(0))?;
    if version == 0 {
        let is_empty: bool = database.query_row(
            &format!("SELECT NOT EXISTS(SELECT 1 FROM {name}.sqlite_schema)"),
            [],
            |row| row.get(0),
        )?;
        ensure!(is_empty, "it is no file of a store");
        database.pragma_update(Some(name), "page_size", schema::PAGE_BYTES)?;
        database.execute_batch(&format!("BEGIN IMMEDIATE; {tables} COMMIT;"))?;
    }
    schema::check(database, name)?;
    database.execute_batch(&schema::networks(name))?;
    database.pragma_update(Some(name), "cache_size", -i64::from(CACHE_KIB))?;
    Ok(())
}
