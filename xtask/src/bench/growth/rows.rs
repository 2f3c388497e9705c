//! What was measured: a line of JSON for each number of connections, and one for conntrack.

use anyhow::{Context, Result};
use serde::Deserialize;

/// In the order in which they were measured.
pub struct Rows {
    pub agents: Vec<Row>,
    pub conntrack: Conntrack,
}

/// An agent with open connections.
#[derive(Deserialize)]
pub struct Row {
    pub connections: u64,
    /// Its own memory for them.
    pub own_bytes: u64,
    pub maps: Vec<MapRow>,
    pub idle_s: f64,
    pub idle_processor_s: f64,
    pub sweep_s: Vec<f64>,
    pub sweep_processor_s: Vec<f64>,
    pub sweep_longest_part_s: Vec<f64>,
}

/// What a map says that it takes.
#[derive(Deserialize)]
pub struct MapRow {
    pub name: String,
    /// Whatever the processors.
    pub bytes: u64,
    /// On each processor that there may be.
    pub bytes_a_processor: u64,
}

/// What the kernel's own tracking has taken for translated connections.
#[derive(Deserialize)]
pub struct Conntrack {
    pub conntrack_entries: u64,
    pub entry_bytes: u64,
    pub extension_bytes: u64,
}

impl Rows {
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines: Vec<_> = text.lines().filter(|line| line.starts_with('{')).collect();
        let conntrack = lines.pop().context("nothing was measured")?;
        let understood = |line: &str| format!("cannot understand {line}");
        let agents = lines.iter().map(|line| {
            let row = serde_json::from_str(line);
            row.with_context(|| understood(line))
        });
        Ok(Self {
            agents: agents.collect::<Result<_>>()?,
            conntrack: serde_json::from_str(conntrack).with_context(|| understood(conntrack))?,
        })
    }
}

impl Row {
    /// A part for each connection.
    pub fn each(&self, bytes: u64) -> f64 {
        bytes as f64 / self.connections as f64
    }
}

impl Conntrack {
    /// A part for each entry.
    pub fn each(&self, bytes: u64) -> f64 {
        bytes as f64 / self.conntrack_entries.max(1) as f64
    }
}
