//! What the files of the store look like to SQLite. A file of another version is refused, not
//! guessed at; `user_version` has it.
//!
//! People read `connections` and `open_connections`, which spell the packed columns out.

use anyhow::{Result, ensure};
use rusqlite::Connection;

use super::{
    hour::Hour,
    key::BIAS,
    row::{MATCHES, OPEN, REASONS},
};
use crate::record;

/// Changes with the tables.
pub(crate) const VERSION: i64 = 1;
/// "NATa", so that `file` can tell.
pub(crate) const APPLICATION_ID: i64 = 0x4e41_5461;
/// Large enough that a page holds a hundred records, small enough that a question reads little.
pub(crate) const PAGE_BYTES: u32 = 8192;

/// What makes the tables of an hour, in the attached database `name`. Times are relative to it.
pub(crate) fn hour(name: &str, hour: Hour) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {name}.record (
            nat NOT NULL, start INTEGER NOT NULL, id BLOB NOT NULL, duration INTEGER NOT NULL,
            client NOT NULL, remote, sent INTEGER NOT NULL, received INTEGER NOT NULL,
            words INTEGER NOT NULL,
            PRIMARY KEY (nat, start, id)) WITHOUT ROWID;
         {}
         PRAGMA {name}.application_id = {APPLICATION_ID};
         PRAGMA {name}.user_version = {VERSION};",
        view(&format!("{name}.connections"), "record", hour.start_us())
    )
}

/// What makes the tables of the index.
///
/// `hour` says what is in each file. `long` names the files of connections that lived past the hour
/// after the one in which they began, by translated address. `run`, `numbers` and `address` are the
/// proof that nothing is missing, `open` the connections without a record of their end, `place` how
/// far each followed file was read.
pub(crate) fn index() -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS hour (
            hour INTEGER PRIMARY KEY, records INTEGER NOT NULL, ids BLOB NOT NULL,
            longest INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS long (
            nat NOT NULL, start INTEGER NOT NULL, hour INTEGER NOT NULL,
            PRIMARY KEY (nat, start, hour)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS run (
            run INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL,
            starts INTEGER);
         CREATE TABLE IF NOT EXISTS numbers (
            run INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            first_written INTEGER NOT NULL, last_written INTEGER NOT NULL,
            PRIMARY KEY (run, first)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS address (
            run INTEGER NOT NULL, address NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY (run, address)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS open (
            nat NOT NULL, start INTEGER NOT NULL, id BLOB NOT NULL PRIMARY KEY,
            duration INTEGER NOT NULL, client NOT NULL, remote, sent INTEGER NOT NULL,
            received INTEGER NOT NULL, words INTEGER NOT NULL, written INTEGER NOT NULL
         ) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS open_nat ON open (nat, start);
         CREATE TABLE IF NOT EXISTS place (
            beginning BLOB PRIMARY KEY, ending BLOB NOT NULL, path BLOB NOT NULL,
            offset INTEGER NOT NULL, line INTEGER NOT NULL, done INTEGER NOT NULL
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS rejected (line BLOB PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS kept (since INTEGER NOT NULL);
         {}
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION};",
        view("open_connections", "open", 0)
    )
}

/// What makes the networks of clients in any file, in the database `name`; the first files of this version
/// have none.
pub(crate) fn networks(name: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {name}.network (
            number INTEGER PRIMARY KEY, interface TEXT NOT NULL, vlans TEXT);"
    )
}

/// What makes, in the index, the newest connection of each run with a record of its start; the first indexes
/// of this version do not have it.
pub(crate) const NEWEST_STARTS: &str = "CREATE TABLE IF NOT EXISTS newest_start (
    run INTEGER PRIMARY KEY, start INTEGER NOT NULL);";

/// Whether there is a table in the database `name`.
pub(crate) fn has(database: &Connection, name: &str, table: &str) -> rusqlite::Result<bool> {
    let mut query = database.prepare_cached(&format!(
        "SELECT EXISTS(SELECT 1 FROM {name}.sqlite_schema WHERE name = ?)"
    ))?;
    query.query_row([table], |row| row.get(0))
}

/// Refuses a file of another version.
pub(crate) fn check(database: &Connection, name: &str) -> Result<()> {
    let version: i64 =
        database.query_row(&format!("PRAGMA {name}.user_version"), [], |row| row.get(0))?;
    ensure!(version != 0, "it is empty, or no file of a store");
    ensure!(
        version == VERSION,
        "it has version {version} of the store, and this nat-acct knows version {VERSION}: make \
         the store again from the lines"
    );
    Ok(())
}

fn view(name: &str, table: &str, base_us: i64) -> String {
    let time = |column: &str| {
        format!(
            "strftime('%Y-%m-%dT%H:%M:%S', ({column}) / 1000000, 'unixepoch') || \
             printf('.%06dZ', ({column}) % 1000000)"
        )
    };
    format!(
        "CREATE VIEW IF NOT EXISTS {name} AS SELECT
            {nat} AS translated, {client} AS client, {remote} AS remote,
            {start} AS start, {end} AS \"end\", sent, received,
            CASE words & 15 {reasons} WHEN {OPEN} THEN 'open' END AS reason,
            CASE words >> 4 & 7 {matches} END AS match,
            CASE words & 128 WHEN 0 THEN 'outbound' ELSE 'inbound' END AS direction,
            words & 256 <> 0 AS partial,
            (SELECT interface FROM network WHERE number = words >> 9) AS inside,
            (SELECT vlans FROM network WHERE number = words >> 9) AS vlan,
            lower(hex(id)) AS id
         FROM {table};",
        nat = endpoint("nat"),
        client = endpoint("client"),
        remote = endpoint("remote"),
        start = time(&format!("start + {base_us}")),
        end = time(&format!("start + duration + {base_us}")),
        reasons = cases(REASONS.map(record::written)),
        matches = cases(MATCHES.map(record::written)),
    )
}

fn endpoint(column: &str) -> String {
    let groups: Vec<_> = (0..8)
        .map(|group| format!("substr(hex({column}), {}, 4)", group * 4 + 1))
        .collect();
    // SQLite reads no hexadecimal numbers from text, so the digits of the port are looked up.
    let digit =
        |at: u32| format!("(instr('0123456789ABCDEF', substr(hex({column}), {at}, 1)) - 1)");
    let port = format!(
        "({} * 4096 + {} * 256 + {} * 16 + {})",
        digit(33),
        digit(34),
        digit(35),
        digit(36)
    );
    let byte = |shift: u32| format!("({column} + {BIAS}) >> {shift} & 255");
    format!(
        "CASE WHEN {column} >= {BIAS} AND typeof({column}) = 'integer' THEN NULL \
         WHEN typeof({column}) = 'integer' THEN printf('%d.%d.%d.%d:%d', {}, {}, {}, {}, \
         {column} & 65535) \
         WHEN typeof({column}) = 'blob' THEN '[' || lower({groups}) || ']:' || {port} END",
        byte(40),
        byte(32),
        byte(24),
        byte(16),
        groups = groups.join(" || ':' || "),
    )
}

fn cases<const N: usize>(names: [String; N]) -> String {
    let cases = names.iter().enumerate();
    let cases = cases.map(|(code, name)| format!("WHEN {code} THEN '{name}'"));
    cases.collect::<Vec<_>>().join(" ")
}
