//! Whether the agent's records and those of a replay of the same packets are
//! the same.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

/// The programs and the capture look at a packet one after the other, and the
/// machine may be busy in between; but it is the same packet.
const SAME_PACKET_US: u64 = 2_000_000;
const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

/// Both have the records of the same connections, and they say the same.
///
/// # Errors
///
/// When one side has two records of a connection.
///
/// # Panics
///
/// With the first difference.
#[track_caller]
pub fn assert_same(live: &[Value], replayed: &[Value]) -> Result<()> {
    let (live, replayed) = (by_connection(live)?, by_connection(replayed)?);
    assert_eq!(
        live.keys().collect::<Vec<_>>(),
        replayed.keys().collect::<Vec<_>>()
    );
    for (connection, record) in &live {
        check(record, &replayed[connection]);
    }
    Ok(())
}

/// The records by the address and port of both sides, and the direction and
/// interface by which a client is told from its namesake.
fn by_connection(records: &[Value]) -> Result<BTreeMap<String, Value>> {
    let mut connections = BTreeMap::new();
    for record in records {
        let end = |side: &str| format!("{} {}", record[side]["ip"], record[side]["port"]);
        let direction = &record["network"]["direction"];
        let inside = if direction == "inbound" {
            "egress"
        } else {
            "ingress"
        };
        let inside = &record["observer"][inside]["interface"]["name"];
        let ends = (end("source"), end("destination"));
        let connection = format!("{} {} {direction} {inside}", ends.0, ends.1);
        let twice = connections.insert(connection, record.clone());
        ensure!(twice.is_none(), "two records: {record}");
    }
    Ok(connections)
}

/// Equal but for when and as which they were written, and for what lies between
/// the program's and the capture's look at a packet.
#[track_caller]
fn check(live: &Value, replayed: &Value) {
    let [mut live, mut replayed] = [live.clone(), replayed.clone()];
    for time in ["start", "end"] {
        let [a, b] = [&live, &replayed].map(|record| microseconds(&record["event"][time]));
        assert!(
            apart_us(a, b) < SAME_PACKET_US,
            "{time}:\n{live}\n{replayed}"
        );
    }
    for record in [&mut live, &mut replayed] {
        record["@timestamp"].take();
        record["agent"]["ephemeral_id"].take();
        for field in ["id", "sequence", "start", "end", "duration"] {
            record["event"][field].take();
        }
    }
    assert_eq!(live, replayed);
}

/// What is between two times of day, be it with midnight.
fn apart_us(a: u64, b: u64) -> u64 {
    let within_a_day = a.abs_diff(b);
    within_a_day.min(DAY_US - within_a_day)
}

/// The time of day in microseconds.
fn microseconds(time: &Value) -> u64 {
    let time = time.as_str().unwrap_or_default();
    let (_, of_day) = time
        .trim_end_matches('Z')
        .split_once('T')
        .unwrap_or_default();
    let (whole, fraction) = of_day.split_once('.').unwrap_or((of_day, "0"));
    let seconds = whole
        .split(':')
        .fold(0, |sum, part| sum * 60 + part.parse().unwrap_or(0));
    seconds * 1_000_000 + format!("{fraction:0<6}").parse().unwrap_or(0)
}
