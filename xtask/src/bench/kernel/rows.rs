//! What the bench tells: for each packet and program, the nanoseconds of each round.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::bench::spread::Spread;

/// All rows, in the order in which they were measured.
pub struct Rows(Vec<Row>);

pub struct Row {
    pub family: String,
    pub connections: u64,
    pub packet: String,
    pub back_to_back: bool,
    program: String,
    ns: Vec<f64>,
}

const EMPTY: &str = "empty";
/// See `nat-acct-ebpf/src/bench/textbook.rs`.
pub const TEXTBOOK: &str = "textbook";
/// See `nat-acct-ebpf/src/bench/in_bucket.rs`.
pub const IN_BUCKET: &str = "in_bucket";
/// See `nat-acct-ebpf/src/bench/per_cpu.rs`.
pub const PER_CPU: &str = "per_cpu";
/// See `nat-acct-ebpf/src/bench/lives.rs`.
pub const LIVES: &str = "lives";
/// See `nat-acct-ebpf/src/bench/least.rs`.
pub const LEAST: &str = "least";
const OURS: &str = "nat-acct";

impl Rows {
    pub fn parse(text: &str) -> Result<Self> {
        let row = |line: &str| {
            let value: Value = serde_json::from_str(line)?;
            Row::of(&value).with_context(|| format!("cannot understand {value}"))
        };
        let lines = text.lines().filter(|line| line.starts_with('{'));
        Ok(Self(lines.map(row).collect::<Result<_>>()?))
    }

    /// Those of our programs.
    pub fn ours(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().filter(|row| row.program == OURS)
    }

    /// What a row of ours took more than the empty program, in each round.
    pub fn above_empty(&self, row: &Row) -> Vec<f64> {
        self.above(row, row)
    }

    /// What another program took more for the same packets.
    pub fn other_above_empty(&self, row: &Row, program: &str) -> Option<Vec<f64>> {
        Some(self.above(row, self.same(row, program)?))
    }

    fn above(&self, packet: &Row, row: &Row) -> Vec<f64> {
        let empty = self.same(packet, EMPTY).map_or(&[][..], |row| &row.ns);
        let pairs = row.ns.iter().zip(empty);
        pairs.map(|(ns, empty)| ns - empty).collect()
    }

    fn same(&self, other: &Row, program: &str) -> Option<&Row> {
        self.0.iter().find(|row| {
            row.program == program
                && row.family == other.family
                && row.connections == other.connections
                && row.packet == other.packet
                && row.back_to_back == other.back_to_back
        })
    }
}

impl Row {
    fn of(value: &Value) -> Option<Self> {
        let text = |name: &str| Some(value[name].as_str()?.to_owned());
        let ns = value["ns"].as_array()?.iter().map(Value::as_f64);
        Some(Self {
            family: text("family")?,
            connections: value["connections"].as_u64()?,
            packet: text("packet")?,
            back_to_back: value["back_to_back"].as_bool()?,
            program: text("program")?,
            ns: ns.collect::<Option<_>>()?,
        })
    }
}

/// Of one program in parts of that of another, round by round.
pub fn ratio(one: &[f64], other: &[f64]) -> Option<Spread> {
    Spread::of(one.iter().zip(other).map(|(one, other)| one / other))
}
