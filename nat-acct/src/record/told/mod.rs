//! A record that is read back from its line, in whichever format: what whoever keeps or asks for
//! records goes by. Fields that it does not know are passed over, since shippers add some.

mod compact;
mod ecs;
mod network;

use std::sync::Arc;

use thiserror::Error;

pub use self::network::Network;
use super::{
    Endpoint, Identifier, Run,
    words::{Kind, Matched, Opened, Reason},
};

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose number `sequence` is.
    pub run: Run,
    /// Counts the records of ends in its run without a gap; other records have no number.
    pub sequence: Option<u64>,
    /// What the record reports.
    pub kind: Kind,
    /// When the record was made, in microseconds since the Unix epoch.
    pub written_us: i64,
    /// The connection that it tells of.
    pub connection: Connection,
}

/// A connection as its newest record tells of it. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Identifies the connection for good: the same in all its records.
    pub id: Identifier,
    /// When the opening SYN was seen.
    pub start_us: i64,
    /// When the last segment was seen.
    pub end_us: i64,
    /// Why it ended; `None` if it was open when the record was made.
    pub reason: Option<Reason>,
    /// Who opened it.
    pub opened: Opened,
    /// The inside endpoint.
    pub client: Endpoint,
    /// Where the client is; `None` if that was not kept.
    pub network: Option<Arc<Network>>,
    /// What the remote sees instead of the client, if that is known.
    pub translated: Option<Endpoint>,
    /// The endpoint beyond the gateway, unless it was left out.
    pub remote: Option<Endpoint>,
    /// Payload bytes from client to remote.
    pub sent_bytes: u64,
    /// Payload bytes from remote to client.
    pub received_bytes: u64,
    /// How `translated` was found, or why not.
    pub matched: Matched,
    /// Whether the counts are too low.
    pub partial: bool,
}

impl Told {
    /// From the start of the connection until it was on record, in microseconds: longer than its life, if
    /// it had to be silent for a while before it was over.
    pub fn took_us(&self) -> i64 {
        let recorded_us = self.written_us.max(self.connection.end_us);
        recorded_us.saturating_sub(self.connection.start_us)
    }
}

impl Connection {
    /// Whether it may have had a translated address that is not known.
    pub fn may_have_been_translated(&self) -> bool {
        self.translated.is_none()
            && match self.matched {
                Matched::Ambiguous | Matched::Intercepted => true,
                Matched::Sequence | Matched::Hairpin | Matched::Blocked | Matched::Local => false,
            }
    }
}

/// Why a line is no record.
#[derive(Debug, Error)]
pub enum NoRecord {
    /// It is not JSON, or a field is missing or wrong.
    #[error("no record: {0}")]
    Json(#[from] serde_json::Error),
    /// Fields contradict each other.
    #[error("no record: {0}")]
    Contradiction(&'static str),
}

/// Reads a line, without its end.
///
/// # Errors
///
/// When the line is no record.
pub fn read(line: &[u8]) -> Result<Told, NoRecord> {
    if line.starts_with(COMPACT) || !has(line, ECS) {
        serde_json::from_slice::<compact::Line>(line)?.told()
    } else {
        serde_json::from_slice::<ecs::Line>(line)?.told()
    }
}

/// As the agent begins a line of the compact format.
const COMPACT: &[u8] = b"{\"n\":";
/// What every line of the ECS format has in it, and none of the compact format.
const ECS: &[u8] = b"\"@timestamp\"";

fn has(line: &[u8], what: &[u8]) -> bool {
    line.windows(what.len()).any(|window| window == what)
}

/// Of an end, the number and the reason; of any other record, neither.
fn numbered(
    kind: Kind,
    sequence: Option<u64>,
    reason: Option<Reason>,
) -> Result<(Option<u64>, Option<Reason>), NoRecord> {
    match (kind, sequence, reason) {
        (Kind::End, Some(_), Some(_)) => Ok((sequence, reason)),
        (Kind::End, _, _) => Err(NoRecord::Contradiction(
            "an end without a number or a reason",
        )),
        (Kind::Start | Kind::Update, _, _) => Ok((None, None)),
    }
}
