//! Asking a store: connections by translated address and time, and whether all are there.

use std::{collections::BTreeSet, net::IpAddr, path::Path};

use anyhow::{Context as _, Result};
use rusqlite::{Connection as Database, params};

use super::{
    Dir, Numbers,
    files::{
        hour::Hour,
        index,
        key::Key,
        networks::{self, Networks},
        open,
        row::{self, COLUMNS},
    },
};
use crate::record::{Connection, Endpoint};

/// A store to ask.
pub struct Store {
    dir: Dir,
}

/// Which connections to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The translated address.
    pub address: IpAddr,
    /// The translated port; any if none is given.
    pub port: Option<u16>,
    /// They were alive at some time between this one, in microseconds since the Unix epoch,
    pub from_us: i64,
    /// and this one.
    pub until_us: i64,
}

/// What a store has.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Connections that have ended.
    pub ended: Vec<Connection>,
    /// Connections without a record of their end.
    pub open: Vec<Connection>,
    /// Connections of that time that may have been translated to any address.
    pub unknown: Vec<Connection>,
    /// The proof that nothing is missing, as far as it concerns this time.
    pub numbers: Numbers,
    /// The longest that it took from a start to the record of the end, in microseconds.
    pub longest_us: i64,
    /// Before when records were thrown away, in microseconds since the Unix epoch.
    pub kept_since_us: Option<i64>,
    /// Files that could not be read, and why.
    pub damaged: Vec<String>,
    /// Whether whoever was asked does not know if records are missing.
    pub is_unproved: bool,
}

impl Store {
    /// A store that is there.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            dir: Dir::existing(path)?,
        })
    }

    /// Looks for connections. A file that cannot be read is named, and the others are read.
    pub fn find(&self, wanted: &Wanted) -> Found {
        let mut found = Found::default();
        let hours = match self.read_index(wanted, &mut found) {
            Ok(hours) => hours,
            Err(error) => {
                found.damaged.push(format!("{error:#}"));
                self.hours_without_index(wanted, &mut found)
            }
        };
        for hour in hours {
            if let Err(error) = self.read_hour(hour, wanted, &mut found) {
                found.damaged.push(format!("{error:#}"));
            }
        }
        found
    }

    /// What the index knows, and in which files to look.
    fn read_index(&self, wanted: &Wanted, found: &mut Found) -> Result<BTreeSet<Hour>> {
        let path = self.dir.index();
        let database = open::for_reading(&path)?;
        let mut read = || {
            // All of it as it was at one moment, or a file that an import makes in between is missed.
            let index = database.unchecked_transaction()?;
            let first = Hour::of(wanted.from_us);
            let last = Hour::of(wanted.until_us).next();
            let mut hours: BTreeSet<Hour> = index::hours_between(&index, first, last)?;
            for [low, high] in [wanted.keys(), unknown_keys()] {
                hours.extend(index::late_hours(
                    &index,
                    [low, high],
                    wanted.until_us,
                    last,
                )?);
            }
            found.longest_us = index::longest_us(&index)?;
            found.kept_since_us = index::kept_since_us(&index)?;
            let horizon_us = wanted.until_us.saturating_add(found.longest_us);
            found.numbers = index::numbers(&index, wanted.address, [wanted.from_us, horizon_us])?;
            let networks = networks::read(&index, "main")?;
            let open = |keys| self.open_connections(&index, wanted, keys, &networks);
            found.open = open(wanted.keys())?;
            found.unknown = open(unknown_keys())?;
            Ok::<_, anyhow::Error>(hours)
        };
        read().with_context(|| format!("{} is damaged", path.display()))
    }

    /// Without the index, all files may have something.
    fn hours_without_index(&self, wanted: &Wanted, found: &mut Found) -> BTreeSet<Hour> {
        match self.dir.hours() {
            Ok(hours) => {
                let first = Hour::of(wanted.from_us);
                hours.into_iter().filter(|hour| *hour >= first).collect()
            }
            Err(error) => {
                found
                    .damaged
                    .push(format!("cannot list the store: {error}"));
                BTreeSet::new()
            }
        }
    }

    fn read_hour(&self, hour: Hour, wanted: &Wanted, found: &mut Found) -> Result<()> {
        let path = self.dir.hour(hour);
        let database = open::for_reading(&path)?;
        let mut read = || {
            // Networks and records as they were at one moment.
            let database = database.unchecked_transaction()?;
            let networks = networks::read(&database, "main")?;
            let select = |keys| wanted.select(&database, hour, keys, &networks);
            found.ended.extend(select(wanted.keys())?);
            found.unknown.extend(select(unknown_keys())?);
            Ok::<_, rusqlite::Error>(())
        };
        read().with_context(|| format!("{} is damaged", path.display()))
    }

    /// Connections of which no record says that they ended. That of the end may be in the store, if
    /// the lines were imported in another order, or again.
    fn open_connections(
        &self,
        index: &Database,
        wanted: &Wanted,
        keys: [Key; 2],
        networks: &Networks,
    ) -> Result<Vec<Connection>> {
        let mut open = wanted.select_open(index, keys, networks)?;
        let hours = if open.is_empty() {
            Vec::new()
        } else {
            index::hours(index)?
        };
        for (hour, _) in hours {
            open.retain(|(connection, written_us)| {
                hour < Hour::of(*written_us) || !self.has(hour, connection)
            });
        }
        Ok(open.into_iter().map(|(connection, _)| connection).collect())
    }

    fn has(&self, hour: Hour, connection: &Connection) -> bool {
        let has = || {
            let database = open::for_reading(&self.dir.hour(hour))?;
            let has: bool = database.query_row(
                "SELECT EXISTS(SELECT 1 FROM record WHERE nat = ? AND id = ?)",
                params![row::key(connection), connection.id.to_bits().to_be_bytes()],
                |row| row.get(0),
            )?;
            Ok::<_, anyhow::Error>(has)
        };
        has().unwrap_or(false)
    }
}

fn unknown_keys() -> [Key; 2] {
    [Key::UNKNOWN; 2]
}

impl Wanted {
    fn keys(&self) -> [Key; 2] {
        match self.port {
            Some(port) => [Key::new(self.address, port); 2],
            None => [0, u16::MAX].map(|port| Key::new(self.address, port)),
        }
    }

    fn select(
        &self,
        database: &Database,
        hour: Hour,
        [low, high]: [Key; 2],
        networks: &Networks,
    ) -> rusqlite::Result<Vec<Connection>> {
        let base_us = hour.start_us();
        let mut query = database.prepare(&format!(
            "SELECT {COLUMNS} FROM record WHERE nat BETWEEN ? AND ? AND start <= ?
             AND start + duration >= ?"
        ))?;
        let [until, from] = [self.until_us, self.from_us].map(|us| us.saturating_sub(base_us));
        let rows = query.query_map(params![low, high, until, from], |row| {
            row::connection(row, base_us, networks)
        })?;
        rows.collect()
    }

    /// Nobody knows yet when they end. With each, when it was told of.
    fn select_open(
        &self,
        index: &Database,
        [low, high]: [Key; 2],
        networks: &Networks,
    ) -> rusqlite::Result<Vec<(Connection, i64)>> {
        let mut query = index.prepare(&format!(
            "SELECT {COLUMNS}, written FROM open WHERE nat BETWEEN ? AND ? AND start <= ?"
        ))?;
        let rows = query.query_map(params![low, high, self.until_us], |row| {
            Ok((row::connection(row, 0, networks)?, row.get(9)?))
        })?;
        rows.collect()
    }

    /// Whether a connection was alive then.
    pub fn covers(&self, connection: &Connection) -> bool {
        let is_over = connection.reason.is_some() && connection.end_us < self.from_us;
        connection.start_us <= self.until_us && !is_over
    }

    /// Whether a translated endpoint is meant.
    pub fn is_of(&self, translated: Endpoint) -> bool {
        translated.ip == self.address && self.port.is_none_or(|port| port == translated.port)
    }
}
