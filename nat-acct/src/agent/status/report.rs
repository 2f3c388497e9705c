//! What is told of an agent, and what a monitor goes by.

use jiff::Timestamp;
use serde::Serialize;

use crate::agent::figures::Figures;

/// What `nat-acct status --json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) state: State,
    /// What somebody must act on, each in one line.
    pub(super) problems: Vec<String>,
    /// What the agent says.
    pub(super) agent: Option<Box<Figures>>,
    /// What lives on in the kernel, where no agent has answered.
    pub(super) tables: Option<Tables>,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// An agent runs, and all is well as far as is known.
    Well,
    /// An agent runs, but somebody must act.
    Troubled,
    /// No agent runs; the programs go on counting.
    CountingOnly,
    /// No agent runs.
    Absent,
}

/// What lives on in the kernel.
#[derive(Debug, Serialize)]
pub(super) struct Tables {
    /// Where.
    pub(super) pin: String,
    /// Since when they count.
    pub(super) counting_since: Timestamp,
    /// Names of the inside interfaces.
    pub(super) inside: Vec<String>,
    /// Names of the outside interfaces.
    pub(super) outside: Vec<String>,
    /// Records so far.
    pub(super) records: u64,
    /// Connections that there is room for.
    pub(super) slots: u64,
    /// Connections without a written record.
    pub(super) used: u64,
    /// Those of them that wait for an answer.
    pub(super) half_open: u64,
    /// Packets of connections whose opening was not seen.
    pub(super) unknown_packets: u64,
    /// Their TCP payload in bytes.
    pub(super) unknown_payload_bytes: u64,
}
