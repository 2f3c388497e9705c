//! What the agent knows of itself and its work, as plain values: the one source of `nat-acct status`
//! and of the metrics. No address is among them.

#[cfg(test)]
mod example;
mod history;
mod problems;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(super) use self::example::of_a_day;
pub(super) use self::{
    history::{History, Totals},
    problems::problems,
};

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The version of the agent.
    pub version: String,
    /// When these were taken.
    pub now: Timestamp,
    /// When the agent started.
    pub started: Timestamp,
    /// Since when the tables count: from an agent before this one, if they were adopted.
    pub counting_since: Timestamp,
    /// Whether programs and tables live on when the agent ends.
    pub lives_on: bool,
    /// The interfaces, those on the outside first.
    pub interfaces: Vec<Interface>,
    /// Connections since the start of the agent.
    pub connections: Connections,
    /// What clients sent, by connections that have ended.
    pub sent: Volume,
    /// What clients received, likewise.
    pub received: Volume,
    /// What the programs returned early from or could not do, by cause, since the tables count.
    pub causes: BTreeMap<String, Cause>,
    /// The table of connections.
    pub table: Table,
    /// Records, and where they go.
    pub output: Output,
    /// What was logged.
    pub log: Log,
    /// The last minute.
    pub recent: Recent,
}

/// How it stands with an interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// `inside` or `outside`.
    pub side: String,
    /// How the programs are attached, `tcx` or `clsact`; none if not both are.
    pub hook: Option<String>,
    /// Why not.
    pub trouble: Option<String>,
    /// Whether it carries packets that a program does not see.
    pub hides_packets: bool,
    /// The flowtables that take packets past it.
    pub flowtables: Vec<String>,
}

/// Connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connections {
    /// Taken over from the agent before.
    pub adopted: u64,
    /// Opened since.
    pub opened: u64,
    /// Without a written record.
    pub open: u64,
    /// Ended, by the reason in their records.
    pub ended: BTreeMap<String, u64>,
    /// Ended, and the translated address was found: by how.
    pub matched: BTreeMap<String, u64>,
    /// Ended, and it was not: by why.
    pub unmatched: BTreeMap<String, u64>,
    /// Ended, and segments were missed.
    pub partial: u64,
    /// SYNs for addresses and ports whose older connection went on.
    pub stray_openings: u64,
    /// RSTs after which both sides went on.
    pub resets_refuted: u64,
    /// SYNs on the outside without an opening on the inside.
    pub outside_unmatched: u64,
}

/// What one side sent, as in records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// TCP payload in bytes.
    pub payload_bytes: u64,
    /// How many of them were sent before.
    pub retransmitted_bytes: u64,
    /// Bytes of the IP datagrams.
    pub ip_bytes: u64,
    /// IP datagrams.
    pub packets: u64,
}

/// How often something happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Packets.
    pub packets: u64,
    /// Their TCP payload in bytes, as far as it was known.
    pub payload_bytes: u64,
}

/// The table of connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Connections that it has room for.
    pub slots: u64,
    /// Connections that are in it.
    pub used: u64,
    /// Connections that may wait for an answer.
    pub half_open_limit: u64,
    /// Connections that do.
    pub half_open: u64,
    /// How often all of it was looked at for what events missed.
    pub sweeps: u64,
    /// Connections that were found so.
    pub found_by_sweep: u64,
    /// How long the last look at all of it took.
    pub sweep_seconds: f64,
    /// How long that held up all else at most.
    pub sweep_longest_part_seconds: f64,
}

/// Records, and where they go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// What they go to.
    pub to: String,
    /// Records of all kinds that were made.
    pub made: u64,
    /// Those of them that are written.
    pub written: u64,
    /// Those that are not.
    pub waiting: u64,
    /// The age of the oldest of those, in seconds.
    pub lag_seconds: f64,
    /// How often writing has failed.
    pub errors: u64,
    /// Why it fails now, if it does.
    pub failing: Option<String>,
    /// How often it was rotated by the agent itself.
    pub rotations: u64,
    /// Records of starts that there was no room for.
    pub starts_left_out: u64,
    /// Records of updates, likewise.
    pub updates_left_out: u64,
}

/// What was logged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// Lines of the level `error`.
    pub errors: u64,
    /// Lines of the level `warn`.
    pub warnings: u64,
    /// The last line of either.
    pub last: Option<Line>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// `error` or `warn`.
    pub level: String,
    /// What it says.
    pub text: String,
}

/// The last minute, or the time since the start if that is shorter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// How long that is.
    pub seconds: f64,
    /// Connections opened.
    pub opened: u64,
    /// Connections ended.
    pub ended: u64,
    /// Records written.
    pub written: u64,
    /// Openings that were not taken on.
    pub not_taken: u64,
}
