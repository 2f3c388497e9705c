//! A connection as a row, and back. The columns are in [`schema`](super::schema).

use rusqlite::{
    Row, Statement,
    types::{FromSqlError, Type},
};

use super::{hour::Hour, key::Key, networks::Networks};
use crate::record::{Connection, Identifier, Matched, Opened, Reason, Told};

/// The words in the order of their codes in the column `words`; new ones go to the end.
pub(crate) const REASONS: [Reason; 9] = [
    Reason::Fin,
    Reason::Rst,
    Reason::Idle,
    Reason::Unanswered,
    Reason::Reused,
    Reason::Closing,
    Reason::AgentStop,
    Reason::CaptureEnd,
    Reason::TableFull,
];
pub(crate) const MATCHES: [Matched; 6] = [
    Matched::Sequence,
    Matched::Ambiguous,
    Matched::Blocked,
    Matched::Local,
    Matched::Intercepted,
    Matched::Hairpin,
];

/// The code of a connection that is open, in place of a reason.
pub(crate) const OPEN: i64 = 15;
const REASON_BITS: i64 = 0xf;
const MATCH_SHIFT: u32 = 4;
const MATCH_BITS: i64 = 0x7;
const INBOUND: i64 = 1 << 7;
const PARTIAL: i64 = 1 << 8;
/// The number of the network is behind the words.
const NETWORK_SHIFT: u32 = 9;

/// The hour in whose file a record is: not before its connection ended, whatever the clock did.
pub(crate) fn hour(told: &Told) -> Hour {
    Hour::of(told.written_us.max(told.connection.end_us))
}

/// What a row is ordered by first.
pub(crate) fn key(connection: &Connection) -> Key {
    match connection.translated {
        Some(translated) => translated.into(),
        None if connection.may_have_been_translated() => Key::UNKNOWN,
        None => Key::NONE,
    }
}

/// The words of a connection in one number.
fn words(connection: &Connection) -> i64 {
    let reason = connection
        .reason
        .map_or(OPEN, |reason| code(&REASONS, reason));
    let inbound = match connection.opened {
        Opened::Outbound => 0,
        Opened::Inbound => INBOUND,
    };
    let partial = if connection.partial { PARTIAL } else { 0 };
    reason | code(&MATCHES, connection.matched) << MATCH_SHIFT | inbound | partial
}

/// Binds the columns of a record to the parameters from 1 to 9, in the order of [`COLUMNS`]. The start
/// is relative to `base_us`; `network` is the number of the client's network in the same file.
pub(crate) fn bind(
    insert: &mut Statement<'_>,
    told: &Told,
    base_us: i64,
    network: i64,
) -> rusqlite::Result<()> {
    let connection = &told.connection;
    insert.raw_bind_parameter(1, key(connection))?;
    insert.raw_bind_parameter(2, connection.start_us - base_us)?;
    insert.raw_bind_parameter(3, connection.id.to_bits().to_be_bytes())?;
    insert.raw_bind_parameter(4, connection.end_us - connection.start_us)?;
    insert.raw_bind_parameter(5, Key::from(connection.client))?;
    insert.raw_bind_parameter(6, connection.remote.map(Key::from))?;
    insert.raw_bind_parameter(7, connection.sent_bytes as i64)?;
    insert.raw_bind_parameter(8, connection.received_bytes as i64)?;
    insert.raw_bind_parameter(9, words(connection) | network << NETWORK_SHIFT)
}

/// The connection in a row with the columns [`COLUMNS`], whose start is relative to `base_us`, in a file with
/// these networks.
pub(crate) fn connection(
    row: &Row<'_>,
    base_us: i64,
    networks: &Networks,
) -> rusqlite::Result<Connection> {
    let words: i64 = row.get(8)?;
    let start_us = row.get::<_, i64>(1)?.saturating_add(base_us);
    let duration_us: i64 = row.get(3)?;
    let key: Key = row.get(0)?;
    let client: Key = row.get(4)?;
    let remote: Option<Key> = row.get(5)?;
    Ok(Connection {
        id: Identifier::from_bits(u128::from_be_bytes(row.get(2)?)),
        start_us,
        end_us: start_us.saturating_add(duration_us),
        reason: match words & REASON_BITS {
            OPEN => None,
            code => Some(word(&REASONS, code)?),
        },
        opened: if words & INBOUND == 0 {
            Opened::Outbound
        } else {
            Opened::Inbound
        },
        client: client.endpoint().ok_or_else(|| wrong(4))?,
        network: match words >> NETWORK_SHIFT {
            0 => None,
            number => Some(networks.get(&number).cloned().ok_or_else(|| wrong(8))?),
        },
        translated: key.endpoint(),
        remote: remote.and_then(Key::endpoint),
        sent_bytes: row.get::<_, i64>(6)? as u64,
        received_bytes: row.get::<_, i64>(7)? as u64,
        matched: word(&MATCHES, words >> MATCH_SHIFT & MATCH_BITS)?,
        partial: words & PARTIAL != 0,
    })
}

/// The columns in the order of [`connection`].
pub(crate) const COLUMNS: &str = "nat, start, id, duration, client, remote, sent, received, words";

fn code<T: PartialEq>(words: &[T], word: T) -> i64 {
    let position = words.iter().position(|known| *known == word);
    position.expect("every word is in the list") as i64
}

fn word<T: Copy>(words: &[T], code: i64) -> rusqlite::Result<T> {
    let word = usize::try_from(code).ok().and_then(|code| words.get(code));
    word.copied().ok_or_else(|| wrong(8))
}

fn wrong(column: usize) -> rusqlite::Error {
    let error = Box::new(FromSqlError::OutOfRange(0));
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, error)
}
