//! One transaction for the files of the hours and for the index, so that each record is in the store
//! once, and what the index says of them is so. SQLite commits to several files at once as long as
//! they have rollback journals.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags, params};

use super::{batch::Batch, rejects};
use crate::{
    record::{Identifier, Run, Told},
    store::{
        Dir,
        files::{
            hour::Hour,
            index::{self, Contents},
            open::{self, PATIENCE},
            row, schema,
        },
        numbers::{Numbers, Seen},
    },
};

/// Pages of one hour that are kept in memory until they are written.
const CACHE_KIB: u32 = 64 * 1024;

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

pub(super) struct Writer {
    dir: Dir,
    index: Connection,
    /// The hours whose files are attached, each by its place in here.
    attached: Vec<Option<Hour>>,
}

impl Writer {
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
            Ok::<_, anyhow::Error>(index)
        };
        Ok(Self {
            index: opened().with_context(|| format!("cannot open {}", path.display()))?,
            attached: vec![None; super::batch::MOST_HOURS],
            dir,
        })
    }

    pub(super) fn index(&self) -> &Connection {
        &self.index
    }

    /// Writes all of it or nothing, and empties it when it is written.
    pub(super) fn commit(&mut self, batch: &mut Batch) -> Result<Written> {
        self.attach(&batch.hours)?;
        self.index.execute_batch("BEGIN IMMEDIATE")?;
        let written = self.write(batch).and_then(|written| {
            self.index.execute_batch("COMMIT")?;
            Ok(written)
        });
        if written.is_ok() {
            batch.clear();
        } else {
            // Some errors have rolled back already.
            let _ = self.index.execute_batch("ROLLBACK");
        }
        written
    }

    fn write(&self, batch: &mut Batch) -> Result<Written> {
        let mut written = self.write_ends(&mut batch.told)?;
        written.open = self.write_open(&batch.told)?;
        for place in &batch.places {
            place.save(&self.index)?;
        }
        rejects::keep(&self.index, &self.dir.rejects(), &batch.rejects)?;
        Ok(written)
    }

    fn write_ends(&self, told: &mut [Told]) -> Result<Written> {
        let mut numbers = Proof::default();
        let seen_before = numbers.add(&self.index, told)?;
        numbers.save(&self.index)?;
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
        let Some(name) = self.name(hour) else {
            return Ok(Written::default());
        };
        let mut contents = index::hour(&self.index, hour)?;
        let mut insert = self.index.prepare_cached(&format!(
            "INSERT OR IGNORE INTO {name}.record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ))?;
        let mut long = self
            .index
            .prepare_cached("INSERT OR IGNORE INTO long VALUES (?, ?, ?)")?;
        let mut written = Written::default();
        for told in ends {
            row::bind(&mut insert, told, hour.start_us())?;
            if insert.raw_execute()? == 0 {
                written.known += 1;
                continue;
            }
            written.records += 1;
            let connection = &told.connection;
            contents.records += 1;
            contents.ids ^= connection.id.to_bits();
            contents.longest_us = contents
                .longest_us
                .max(connection.end_us - connection.start_us);
            if hour.is_late_for(connection.start_us) {
                long.execute(params![row::key(connection), connection.start_us, hour.0])?;
            }
            if seen_before.contains(told) {
                again.push(*told);
            }
        }
        if written.records > 0 {
            index::set_hour(&self.index, hour, contents)?;
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
        for (hour, _) in index::hours(&self.index)? {
            let found = match self.name(hour) {
                Some(name) => has(&self.index, &name, hour)?,
                // One that is damaged is for `check` to name.
                None => open::for_reading(&self.dir.hour(hour))
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
        let name = self.name(hour).context("the hour is attached")?;
        let id = told.connection.id.to_bits();
        self.index.execute(
            &format!("DELETE FROM {name}.record WHERE nat = ? AND start = ? AND id = ?"),
            params![
                row::key(&told.connection),
                told.connection.start_us - hour.start_us(),
                id.to_be_bytes()
            ],
        )?;
        let contents = index::hour(&self.index, hour)?;
        let less = Contents {
            records: contents.records - 1,
            ids: contents.ids ^ id,
            ..contents
        };
        Ok(index::set_hour(&self.index, hour, less)?)
    }

    /// Remembers connections that are open, and forgets those that have ended.
    fn write_open(&self, told: &[Told]) -> Result<u64> {
        let is_open = |told: &&Told| told.sequence.is_none();
        let mut newest = HashMap::<Identifier, &Told>::new();
        for told in told.iter().filter(is_open) {
            let known = newest.entry(told.connection.id).or_insert(told);
            if known.written_us <= told.written_us {
                *known = told;
            }
        }
        let is_any: bool =
            self.index
                .query_row("SELECT EXISTS(SELECT 1 FROM open)", [], |row| row.get(0))?;
        if is_any || !newest.is_empty() {
            let mut delete = self.index.prepare_cached("DELETE FROM open WHERE id = ?")?;
            for told in told.iter().filter(|told| told.sequence.is_some()) {
                newest.remove(&told.connection.id);
                delete.execute([told.connection.id.to_bits().to_be_bytes()])?;
            }
        }
        let mut insert = self.index.prepare_cached(
            "INSERT INTO open VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
             nat = excluded.nat, start = excluded.start, duration = excluded.duration,
             sent = excluded.sent, received = excluded.received, words = excluded.words,
             written = excluded.written
             WHERE excluded.written > written",
        )?;
        for told in newest.values() {
            row::bind(&mut insert, told, 0)?;
            insert.raw_bind_parameter(10, told.written_us)?;
            insert.raw_execute()?;
        }
        Ok(told.iter().filter(is_open).count() as u64)
    }

    /// Has the files of these hours at hand.
    fn attach(&mut self, hours: &[Hour]) -> Result<()> {
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

    fn name(&self, hour: Hour) -> Option<String> {
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
    database.pragma_update(Some(name), "cache_size", -i64::from(CACHE_KIB))?;
    Ok(())
}

/// The numbers of the runs that a batch tells of.
#[derive(Default)]
struct Proof(Numbers);

/// Records whose numbers were there before.
struct SeenBefore(BTreeMap<Run, Vec<u64>>);

impl Proof {
    fn add(&mut self, index: &Connection, told: &[Told]) -> Result<SeenBefore> {
        let mut seen_before = BTreeMap::<Run, Vec<u64>>::new();
        let mut run = None;
        for told in told {
            if run != Some(told.run) {
                run = Some(told.run);
                if self.0.of(told.run).is_none()
                    && let Some(of_run) = index::of_run(index, told.run)?
                {
                    self.0.insert(told.run, of_run);
                }
            }
            if let (Seen::Before, Some(number)) = (self.0.add(told), told.sequence) {
                seen_before.entry(told.run).or_default().push(number);
            }
        }
        for numbers in seen_before.values_mut() {
            numbers.sort_unstable();
        }
        Ok(SeenBefore(seen_before))
    }

    fn save(&self, index: &Connection) -> Result<()> {
        for (run, of_run) in self.0.runs() {
            index::set_run(index, run, of_run)?;
        }
        Ok(())
    }
}

impl SeenBefore {
    fn contains(&self, told: &Told) -> bool {
        let numbers = self.0.get(&told.run);
        numbers
            .zip(told.sequence)
            .is_some_and(|(numbers, number)| numbers.binary_search(&number).is_ok())
    }
}
