//! One transaction for the files of the hours and for the index, so that each record is in the store
//! once, and what the index says of them is so. SQLite commits to several files at once as long as
//! they have rollback journals.

use anyhow::{Context as _, Result};
use rusqlite::{Connection, params};

use super::{
    batch::Batch,
    database::Database,
    open_connections,
    proof::{Proof, SeenBefore},
    rejects,
};
use crate::{
    record::Told,
    store::{
        Dir,
        files::{
            hour::Hour,
            index::{self, Contents},
            networks::Numbering,
            open, row,
        },
    },
};

/// What a transaction added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Records of ends.
    pub records: u64,
    /// Those that were there before.
    pub known: u64,
    /// Records of connections that are open.
    pub open: u64,
}

pub(super) struct Writer(Database);

impl Writer {
    pub(super) fn open(dir: Dir) -> Result<Self> {
        Database::open(dir).map(Self)
    }

    pub(super) fn index(&self) -> &Connection {
        &self.0.index
    }

    /// Writes all of it or nothing, and empties it when it is written.
    pub(super) fn commit(&mut self, batch: &mut Batch) -> Result<Written> {
        self.0.attach(&batch.hours)?;
        self.index().execute_batch("BEGIN IMMEDIATE")?;
        let written = self.write(batch).and_then(|written| {
            self.index().execute_batch("COMMIT")?;
            Ok(written)
        });
        if written.is_ok() {
            batch.clear();
        } else {
            // Some errors have rolled back already.
            let _ = self.index().execute_batch("ROLLBACK");
        }
        written
    }

    fn write(&self, batch: &mut Batch) -> Result<Written> {
        let mut written = self.write_ends(&mut batch.told)?;
        written.open = open_connections::write(self.index(), &batch.told)?;
        for place in &batch.places {
            place.save(self.index())?;
        }
        rejects::keep(self.index(), &self.0.dir.rejects(), &batch.rejects)?;
        Ok(written)
    }

    fn write_ends(&self, told: &mut [Told]) -> Result<Written> {
        let mut numbers = Proof::default();
        let seen_before = numbers.add(self.index(), told)?;
        numbers.save(self.index())?;
        // In the order of the tables: each page is written once.
        told.sort_by_cached_key(|told| {
            let connection = &told.connection;
            (row::hour(told), row::key(connection), connection.start_us)
        });
        let mut written = Written::default();
        let ends = told.chunk_by(|one, other| row::hour(one) == row::hour(other));
        let mut again = Vec::new();
        for of_hour in ends {
            let added =
                self.write_hour(row::hour(&of_hour[0]), of_hour, &seen_before, &mut again)?;
            written.records += added.records;
            written.known += added.known;
        }
        for told in again {
            if self.is_elsewhere(&told)? {
                self.remove(&told)?;
                written.records -= 1;
                written.known += 1;
            }
        }
        Ok(written)
    }

    /// Adds records to the file of their hour. Those whose number was there before go to `again`.
    fn write_hour(
        &self,
        hour: Hour,
        of_hour: &[Told],
        seen_before: &SeenBefore,
        again: &mut Vec<Told>,
    ) -> Result<Written> {
        let ends = of_hour.iter().filter(|told| told.sequence.is_some());
        let Some(name) = self.0.name(hour) else {
            return Ok(Written::default());
        };
        let mut contents = index::hour(self.index(), hour)?;
        let mut insert = self.index().prepare_cached(&format!(
            "INSERT OR IGNORE INTO {name}.record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ))?;
        let mut long = self
            .index()
            .prepare_cached("INSERT OR IGNORE INTO long VALUES (?, ?, ?)")?;
        let mut networks = Numbering::of(self.index(), &name)?;
        let mut written = Written::default();
        for told in ends {
            let network = networks.number(told.connection.network.as_ref())?;
            row::bind(&mut insert, told, hour.start_us(), network)?;
            if insert.raw_execute()? == 0 {
                written.known += 1;
                continue;
            }
            written.records += 1;
            let connection = &told.connection;
            contents.records += 1;
            contents.ids ^= connection.id.to_bits();
            contents.longest_us = contents.longest_us.max(told.took_us());
            if hour.is_late_for(connection.start_us) {
                long.execute(params![row::key(connection), connection.start_us, hour.0])?;
            }
            if seen_before.contains(told) {
                again.push(told.clone());
            }
        }
        if written.records > 0 {
            index::set_hour(self.index(), hour, contents)?;
        }
        Ok(written)
    }

    /// Whether the connection of a record has another record, with other times: the clock was read
    /// again when the record was made again.
    fn is_elsewhere(&self, told: &Told) -> Result<bool> {
        let key = row::key(&told.connection);
        let id = told.connection.id.to_bits().to_be_bytes();
        let has = |database: &Connection, name: &str, hour: Hour| {
            let mut query = database.prepare(&format!(
                "SELECT EXISTS(SELECT 1 FROM {name}.record WHERE nat = ?1 AND id = ?2
                 AND (start <> ?3 OR ?4))"
            ))?;
            let start = told.connection.start_us - hour.start_us();
            let is_other = hour != row::hour(told);
            query.query_row(params![key, id, start, is_other], |row| {
                row.get::<_, bool>(0)
            })
        };
        for (hour, _) in index::hours(self.index())? {
            let found = match self.0.name(hour) {
                Some(name) => has(self.index(), &name, hour)?,
                // One that is damaged is for `check` to name.
                None => open::for_reading(&self.0.dir.hour(hour))
                    .and_then(|database| Ok(has(&database, "main", hour)?))
                    .unwrap_or(false),
            };
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn remove(&self, told: &Told) -> Result<()> {
        let hour = row::hour(told);
        let name = self.0.name(hour).context("the hour is attached")?;
        let id = told.connection.id.to_bits();
        self.index().execute(
            &format!("DELETE FROM {name}.record WHERE nat = ? AND start = ? AND id = ?"),
            params![
                row::key(&told.connection),
                told.connection.start_us - hour.start_us(),
                id.to_be_bytes()
            ],
        )?;
        let contents = index::hour(self.index(), hour)?;
        let less = Contents {
            records: contents.records - 1,
            ids: contents.ids ^ id,
            ..contents
        };
        Ok(index::set_hour(self.index(), hour, less)?)
    }
}
