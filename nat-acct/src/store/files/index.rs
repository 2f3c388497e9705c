//! Reading and writing the tables of the index, each as the type that the rest of the store uses.

use std::{collections::BTreeSet, net::IpAddr};

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{hour::Hour, key::Key, schema};
use crate::{
    record::Run,
    store::numbers::{self, Numbers, OfRun, Range, Span},
};

/// What is in the file of an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// How many records.
    pub records: u64,
    /// The exclusive or of their identifiers.
    pub ids: u128,
    /// The longest that it took from a start to the record of the end, in microseconds.
    pub longest_us: i64,
}

/// All hours that the store has, in order.
pub(crate) fn hours(index: &Connection) -> rusqlite::Result<Vec<(Hour, Contents)>> {
    let mut query = index.prepare("SELECT hour, records, ids, longest FROM hour ORDER BY hour")?;
    let rows = query.query_map([], |row| Ok((Hour(row.get(0)?), contents(row)?)))?;
    rows.collect()
}

pub(crate) fn hour(index: &Connection, hour: Hour) -> rusqlite::Result<Contents> {
    let mut query =
        index.prepare_cached("SELECT hour, records, ids, longest FROM hour WHERE hour = ?")?;
    let found = query.query_row([hour.0], contents).optional()?;
    Ok(found.unwrap_or_default())
}

/// Those from `first` to `last`.
pub(crate) fn hours_between(
    index: &Connection,
    first: Hour,
    last: Hour,
) -> rusqlite::Result<BTreeSet<Hour>> {
    let mut query = index.prepare("SELECT hour FROM hour WHERE hour BETWEEN ? AND ?")?;
    let rows = query.query_map([first.0, last.0], |row| row.get(0).map(Hour))?;
    rows.collect()
}

/// Those behind `last` with a connection of these translated endpoints that was there at a time.
pub(crate) fn late_hours(
    index: &Connection,
    [low, high]: [Key; 2],
    until_us: i64,
    last: Hour,
) -> rusqlite::Result<BTreeSet<Hour>> {
    let mut query = index.prepare(
        "SELECT DISTINCT hour FROM long WHERE nat BETWEEN ? AND ? AND start <= ? AND hour > ?",
    )?;
    let rows = query.query_map(params![low, high, until_us, last.0], |row| {
        row.get(0).map(Hour)
    })?;
    rows.collect()
}

/// The longest that it took from a start to the record of the end, in microseconds.
pub(crate) fn longest_us(index: &Connection) -> rusqlite::Result<i64> {
    index.query_row("SELECT coalesce(max(longest), 0) FROM hour", [], |row| {
        row.get(0)
    })
}

fn contents(row: &Row<'_>) -> rusqlite::Result<Contents> {
    Ok(Contents {
        records: row.get::<_, i64>(1)? as u64,
        ids: u128::from_be_bytes(row.get(2)?),
        longest_us: row.get(3)?,
    })
}

pub(crate) fn set_hour(index: &Connection, hour: Hour, contents: Contents) -> rusqlite::Result<()> {
    let mut insert = index.prepare_cached("INSERT OR REPLACE INTO hour VALUES (?, ?, ?, ?)")?;
    insert.execute(params![
        hour.0,
        contents.records as i64,
        contents.ids.to_be_bytes(),
        contents.longest_us
    ])?;
    Ok(())
}

/// The proof for all runs.
pub(crate) fn all_numbers(index: &Connection) -> Result<Numbers> {
    let mut query = index.prepare("SELECT run FROM run")?;
    let runs = query.query_map([], run)?;
    numbers_of(index, runs)
}

/// That for the runs that were there between two times, or are known to have translated to an address.
pub(crate) fn numbers(
    index: &Connection,
    address: IpAddr,
    [from_us, until_us]: [i64; 2],
) -> Result<Numbers> {
    let mut query = index.prepare(
        "SELECT run FROM run WHERE until >= ? AND since <= ?
         UNION SELECT run FROM address WHERE address = ?",
    )?;
    let key = as_key(numbers::network(address));
    let runs = query.query_map(params![from_us, until_us, key], run)?;
    numbers_of(index, runs)
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run(row.get::<_, i64>(0)? as u64))
}

fn numbers_of(
    index: &Connection,
    runs: impl Iterator<Item = rusqlite::Result<Run>>,
) -> Result<Numbers> {
    let mut numbers = Numbers::default();
    for run in runs {
        let run = run?;
        if let Some(of_run) = of_run(index, run)? {
            numbers.insert(run, of_run);
        }
    }
    Ok(numbers)
}

pub(crate) fn of_run(index: &Connection, run: Run) -> Result<Option<OfRun>> {
    let key = [run.0 as i64];
    let mut query = index.prepare_cached("SELECT since, until, starts FROM run WHERE run = ?")?;
    let of_run = query.query_row(key, |row| {
        let starts_us: Option<i64> = row.get(2)?;
        Ok(OfRun {
            span: span(row, 0)?,
            starts: starts_us.map(|since_us| Span {
                since_us,
                until_us: since_us,
            }),
            ..OfRun::default()
        })
    });
    let Some(mut of_run) = of_run.optional()? else {
        return Ok(None);
    };
    if let Some(starts) = &mut of_run.starts
        && schema::has(index, "main", "newest_start")?
    {
        let mut query = index.prepare_cached("SELECT start FROM newest_start WHERE run = ?")?;
        let newest_us: Option<i64> = query.query_row(key, |row| row.get(0)).optional()?;
        starts.until_us = newest_us.unwrap_or(starts.since_us);
    }
    let mut query =
        index.prepare_cached("SELECT address, since, until FROM address WHERE run = ?")?;
    let addresses = query.query_map(key, |row| Ok((row.get::<_, Key>(0)?, span(row, 1)?)))?;
    for address in addresses {
        let (address, span) = address?;
        of_run
            .addresses
            .extend(address.endpoint().map(|known| (known.ip, span)));
    }
    let mut query = index.prepare_cached(
        "SELECT first, last, first_written, last_written FROM numbers WHERE run = ? ORDER BY first",
    )?;
    let ranges = query.query_map(key, |row| {
        Ok(Range {
            first: row.get::<_, i64>(0)? as u64,
            last: row.get::<_, i64>(1)? as u64,
            first_us: row.get(2)?,
            last_us: row.get(3)?,
        })
    })?;
    of_run.ranges = ranges.collect::<Result<_, _>>()?;
    Ok(Some(of_run))
}

fn span(row: &Row<'_>, first: usize) -> rusqlite::Result<Span> {
    Ok(Span {
        since_us: row.get(first)?,
        until_us: row.get(first + 1)?,
    })
}

pub(crate) fn set_run(index: &Connection, run: Run, of_run: &OfRun) -> rusqlite::Result<()> {
    let key = run.0 as i64;
    let mut insert = index.prepare_cached("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?)")?;
    let span = of_run.span;
    let starts = of_run.starts;
    let earliest_us = starts.map(|starts| starts.since_us);
    insert.execute(params![key, span.since_us, span.until_us, earliest_us])?;
    if let Some(starts) = starts {
        let mut insert =
            index.prepare_cached("INSERT OR REPLACE INTO newest_start VALUES (?, ?)")?;
        insert.execute(params![key, starts.until_us])?;
    }
    let mut insert = index.prepare_cached("INSERT OR REPLACE INTO address VALUES (?, ?, ?, ?)")?;
    for (address, span) in &of_run.addresses {
        insert.execute(params![key, as_key(*address), span.since_us, span.until_us])?;
    }
    index
        .prepare_cached("DELETE FROM numbers WHERE run = ?")?
        .execute([key])?;
    let mut insert = index.prepare_cached("INSERT INTO numbers VALUES (?, ?, ?, ?, ?)")?;
    for range in &of_run.ranges {
        let (first, last) = (range.first as i64, range.last as i64);
        insert.execute(params![key, first, last, range.first_us, range.last_us])?;
    }
    Ok(())
}

/// Not 0.0.0.0 with port 0, which stands for something else.
fn as_key(address: IpAddr) -> Key {
    Key::new(address, 1)
}

/// Before when records were thrown away.
pub(crate) fn kept_since_us(index: &Connection) -> rusqlite::Result<Option<i64>> {
    index.query_row("SELECT max(since) FROM kept", [], |row| row.get(0))
}
