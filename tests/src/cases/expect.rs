//! What must come of a case, and what came of it, in the same words.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Result;
use nat_acct_common::layout::Cause;
use serde_json::Value;

use crate::agent;
use crate::truth::{Record, Volume};

/// The records of a case, and the packets that were ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In order of client and remote, and of what was sent and received.
    pub connections: Vec<Connection>,
    /// Packets by cause, for all causes that occurred.
    pub ignored: BTreeMap<Cause, u64>,
}

/// What a record says, but for times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The inside endpoint.
    pub client: SocketAddr,
    /// What the remote sees instead of it, if that is known.
    pub translated: Option<SocketAddr>,
    /// The endpoint beyond the gateway.
    pub remote: SocketAddr,
    /// Whether the remote opened the connection.
    pub inbound: bool,
    /// From client to remote.
    pub sent: Sums,
    /// From remote to client.
    pub received: Sums,
    /// Why it ended; `stopped` if the agent or the capture ended before.
    pub reason: String,
    /// How the translated address was found, or why not.
    pub matched: String,
    /// Whether bytes were missed.
    pub partial: bool,
}

/// What one side sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// TCP payload in bytes.
    pub payload: u64,
    /// How much of it was sent before.
    pub retransmitted: u64,
    /// IP datagrams.
    pub packets: u64,
    /// Their bytes.
    pub ip_bytes: u64,
}

impl Outcome {
    /// From the lines of an agent or of replay.
    ///
    /// # Errors
    ///
    /// When a line is no record.
    pub fn new(lines: &[Value], ignored: BTreeMap<Cause, u64>) -> Result<Self> {
        let records = agent::closing(lines)?;
        let mut outcome = Self {
            connections: records.iter().map(Connection::from).collect(),
            ignored,
        };
        outcome.sort();
        Ok(outcome)
    }

    /// Brings the records in order.
    pub(super) fn sort(&mut self) {
        let key = |one: &Connection| {
            let volumes = (one.sent.payload, one.received.payload);
            (one.client, one.remote, volumes)
        };
        self.connections.sort_by_key(key);
    }

    /// The result in a word, for the table of shapes.
    #[must_use]
    pub fn word(&self) -> &'static str {
        let any = |is: fn(&Connection) -> bool| self.connections.iter().any(is);
        if self.connections.is_empty() {
            "ignored"
        } else if any(|one| one.partial) {
            "marked"
        } else if any(|one| one.translated.is_none()) {
            "absent"
        } else {
            "exact"
        }
    }
}

impl From<&Record> for Connection {
    fn from(record: &Record) -> Self {
        let sums = |payload, retransmitted, volume: Volume| Sums {
            payload,
            retransmitted,
            packets: volume.packets,
            ip_bytes: volume.ip_bytes,
        };
        Self {
            client: record.client,
            translated: record.translated,
            remote: record.remote,
            inbound: record.inbound,
            sent: sums(record.sent, record.retransmitted_sent, record.volume_sent),
            received: sums(
                record.received,
                record.retransmitted_received,
                record.volume_received,
            ),
            reason: match record.reason.as_str() {
                "agent-stop" | "capture-end" => "stopped".to_owned(),
                reason => reason.to_owned(),
            },
            matched: record.matched.clone(),
            partial: record.partial,
        }
    }
}
