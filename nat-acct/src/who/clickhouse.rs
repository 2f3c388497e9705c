//! Asking a ClickHouse that has the tables of `contrib/clickhouse`, by its HTTP interface.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context as _, Result, ensure};
use jiff::{civil::DateTime, tz::TimeZone};
use serde::{
    Deserialize,
    de::{IntoDeserializer as _, value},
};

use crate::{
    record::{Connection, Endpoint, Identifier, Matched, Network, Opened, Reason},
    store::{Found, Wanted},
};

const QUERY: &str = include_str!("../../../contrib/clickhouse/who.sql");
/// The whole of a question.
const PATIENCE: Duration = Duration::from_secs(60);

/// A row of the answer. Times are in UTC.
#[derive(Deserialize)]
struct Row {
    id: Identifier,
    started: String,
    known_until: String,
    /// None while it is open.
    ended: Option<String>,
    reason: String,
    direction: Opened,
    client_ip: IpAddr,
    client_port: u16,
    /// Empty if they are not known, as `vlan` is if there is none.
    inside: String,
    vlan: String,
    translated_ip: IpAddr,
    translated_port: u16,
    remote_ip: Option<IpAddr>,
    remote_port: Option<u16>,
    sent: u64,
    received: u64,
    matched: Matched,
    partial: bool,
}

/// What it has for what is wanted.
pub(super) fn find(url: &str, wanted: &Wanted) -> Result<Found> {
    let answer = ask(url, wanted).with_context(|| format!("cannot ask ClickHouse at {url}"))?;
    let mut found = Found {
        is_unproved: true,
        ..Found::default()
    };
    for line in answer.lines() {
        let row: Result<Row, _> = serde_json::from_str(line);
        let row = row.with_context(|| format!("ClickHouse answers {line}"))?;
        let connection = row.connection()?;
        // It is asked for half a microsecond more.
        if wanted.covers(&connection) {
            match connection.reason {
                Some(_) => found.ended.push(connection),
                None => found.open.push(connection),
            }
        }
    }
    Ok(found)
}

fn ask(url: &str, wanted: &Wanted) -> Result<String> {
    let took_us = wanted.until_us.saturating_sub(wanted.from_us);
    let parameters = [
        ("default_format", "JSONEachRow".to_owned()),
        ("output_format_json_quote_64bit_integers", "0".to_owned()),
        ("param_address", wanted.address.to_string()),
        ("param_port", wanted.port.unwrap_or(0).to_string()),
        ("param_at", seconds(wanted.from_us + took_us / 2)),
        ("param_within", seconds(took_us - took_us / 2)),
        ("param_remote_ip", "::".to_owned()),
        ("param_remote_port", "0".to_owned()),
    ];
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build();
    let mut response = ureq::Agent::new_with_config(config)
        .post(url)
        .query_pairs(parameters)
        .send(QUERY)?;
    let body = response.body_mut().read_to_string()?;
    ensure!(response.status().is_success(), "{}", body.trim());
    Ok(body)
}

/// Of a time not before 1970.
fn seconds(us: i64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

impl Row {
    fn connection(self) -> Result<Connection> {
        let remote = self.remote_ip.zip(self.remote_port);
        Ok(Connection {
            id: self.id,
            start_us: microseconds(&self.started)?,
            end_us: microseconds(&self.known_until)?,
            reason: self.ended.map(|_| reason(&self.reason)).transpose()?,
            opened: self.direction,
            client: endpoint(self.client_ip, self.client_port),
            network: known(self.inside).map(|inside| Network::shared(inside, known(self.vlan))),
            translated: Some(endpoint(self.translated_ip, self.translated_port)),
            remote: remote.map(|(ip, port)| endpoint(ip, port)),
            sent_bytes: self.sent,
            received_bytes: self.received,
            matched: self.matched,
            partial: self.partial,
        })
    }
}

fn known(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn endpoint(ip: IpAddr, port: u16) -> Endpoint {
    Endpoint { ip, port }
}

fn reason(word: &str) -> Result<Reason> {
    let word: value::StrDeserializer<'_, value::Error> = word.into_deserializer();
    Ok(Reason::deserialize(word)?)
}

fn microseconds(time: &str) -> Result<i64> {
    let time: DateTime = time.parse()?;
    Ok(TimeZone::UTC.to_timestamp(time)?.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_connection() {
        let row = r#"{"client_ip":"192.168.17.11","client_port":54054,"inside":"br0","vlan":"20","translated_ip":"203.0.113.1",
            "translated_port":61002,"remote_ip":null,"remote_port":null,"direction":"outbound",
            "started":"2026-11-22 09:42:20.615902","ended":"2026-11-22 09:43:22.763857",
            "known_until":"2026-11-22 09:43:22.763857","away":0,"reason":"agent-stop",
            "matched":"sequence","partial":false,"sent":3324,"received":5000000000,
            "id":"4c68aebb-7a5e-8e3a-a8f9-66cb7b2287ac"}"#;
        let row: Row = serde_json::from_str(row).expect("a row");
        let connection = row.connection().expect("a connection");
        assert_eq!(connection.end_us - connection.start_us, 62_147_955);
        assert_eq!(connection.reason, Some(Reason::AgentStop));
        assert_eq!(connection.remote, None);
        let network = connection.network.map(|network| network.to_string());
        assert_eq!(network.as_deref(), Some("br0, VLAN 20"));
        assert_eq!(connection.received_bytes, 5_000_000_000);
    }
}
