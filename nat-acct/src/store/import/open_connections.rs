//! Connections of which no record says that they have ended.

use std::collections::HashMap;

use anyhow::Result;
use rusqlite::Connection;

use crate::{
    record::{Identifier, Told},
    store::files::{networks::Numbering, row},
};

/// Remembers connections that are open, and forgets those that have ended; how many records of the former
/// there are.
pub(super) fn write(index: &Connection, told: &[Told]) -> Result<u64> {
    let is_open = |told: &&Told| told.sequence.is_none();
    let mut newest = HashMap::<Identifier, &Told>::new();
    for told in told.iter().filter(is_open) {
        let known = newest.entry(told.connection.id).or_insert(told);
        if known.written_us <= told.written_us {
            *known = told;
        }
    }
    let is_any: bool =
        index.query_row("SELECT EXISTS(SELECT 1 FROM open)", [], |row| row.get(0))?;
    if is_any || !newest.is_empty() {
        let mut delete = index.prepare_cached("DELETE FROM open WHERE id = ?")?;
        for told in told.iter().filter(|told| told.sequence.is_some()) {
            newest.remove(&told.connection.id);
            delete.execute([told.connection.id.to_bits().to_be_bytes()])?;
        }
    }
    let mut insert = index.prepare_cached(
        "INSERT INTO open VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
         nat = excluded.nat, start = excluded.start, duration = excluded.duration,
         sent = excluded.sent, received = excluded.received, words = excluded.words,
         written = excluded.written
         WHERE excluded.written > written",
    )?;
    let mut networks = Numbering::of(index, "main")?;
    for told in newest.values() {
        let network = networks.number(told.connection.network.as_ref())?;
        row::bind(&mut insert, told, 0, network)?;
        insert.raw_bind_parameter(10, told.written_us)?;
        insert.raw_execute()?;
    }
    Ok(told.iter().filter(is_open).count() as u64)
}
