//! A record on one line, for people.

use anyhow::Result;
use nat_acct_tests::truth::Record;
use serde_json::Value;

/// `09:43:22.763857  client → translated → remote  sent … received …  fin  62.148 s`
pub fn line(value: &Value) -> Result<String> {
    let record = Record::read(value)?;
    let translated = record
        .translated
        .map_or(record.matched.clone(), |address| address.to_string());
    let (from, to) = if record.inbound {
        ("←", "←")
    } else {
        ("→", "→")
    };
    Ok(format!(
        "{time}  {client} {from} {translated} {to} {remote}  sent {sent}  received {received}  {reason}  {duration}",
        time = time_of_day(value),
        client = record.client,
        remote = record.remote,
        sent = with_retransmitted(record.sent, record.retransmitted_sent),
        received = with_retransmitted(record.received, record.retransmitted_received),
        reason = record.reason,
        duration = duration(value),
    ))
}

fn with_retransmitted(bytes: u64, retransmitted: u64) -> String {
    match retransmitted {
        0 => bytes.to_string(),
        _ => format!("{bytes} ({retransmitted} twice)"),
    }
}

/// The time out of `2026-11-22T09:43:22.763857Z`.
fn time_of_day(value: &Value) -> &str {
    let end = value
        .pointer("/event/end")
        .and_then(Value::as_str)
        .unwrap_or_default();
    end.split_once('T')
        .map_or(end, |(_, time)| time.trim_end_matches('Z'))
}

fn duration(value: &Value) -> String {
    let ns = value
        .pointer("/event/duration")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1_000)
}
