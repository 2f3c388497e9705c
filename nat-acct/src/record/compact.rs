//! The record as a flat object with short names, for sites that keep many. Every value of the ECS
//! format is in it, is the default of a field that is absent, or is a sum of two fields.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Identifier, Record, Run,
    schema::{all, none},
    values::{AddressPort, Vlans},
    words::{Kind, Matched, Opened, Reason},
};

/// A TCP connection through a NAT gateway at its end, or at its start or in between, flat and with
/// short names. A field with a default is absent when it has that value.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "nat-acct record, format compact", deny_unknown_fields)]
#[schemars(extend("allOf" = conditions()))]
pub struct Compact<'a> {
    /// Counts the records of ends without a gap; others have no number (ECS `event.sequence`).
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    sequence: Option<u64>,
    /// A UUID that identifies the connection for good, in all its records: of its end there is one,
    /// and another with the same identifier is a duplicate (ECS `event.id`).
    id: Identifier,
    /// What the record reports (ECS `event.action`).
    #[serde(rename = "k", skip_serializing_if = "Kind::is_end")]
    #[schemars(extend("default" = "end"))]
    kind: Kind,
    /// When the opening SYN was seen, in microseconds since the Unix epoch (ECS `event.start`).
    #[serde(rename = "s")]
    start_us: i64,
    /// From the opening SYN to the last segment, in microseconds (ECS `event.duration`;
    /// `event.end` is `s` + `d`). Absent at the start, as all counts are.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    duration_us: Option<u64>,
    /// From the last segment, at the start from the first, to the making of the record, in
    /// microseconds (ECS `@timestamp` is `s` + `d` + `w`).
    #[serde(rename = "w")]
    written_us: i64,
    /// Which side opened the connection (ECS `network.direction`).
    #[serde(rename = "dir", skip_serializing_if = "Opened::is_outbound")]
    #[schemars(extend("default" = "outbound"))]
    direction: Opened,
    /// The client: the inside address and port.
    #[serde(rename = "c")]
    client: AddressPort,
    /// What the remote sees instead of the client: the translated address and port; absent if
    /// not known.
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AddressPort")]
    translated: Option<AddressPort>,
    /// The remote: the address and port beyond the gateway. Absent with `--no-destination`.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AddressPort")]
    remote: Option<AddressPort>,
    /// TCP payload from client to remote in bytes, retransmissions included.
    #[serde(rename = "sb", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    sent_payload_bytes: Option<u64>,
    /// TCP payload from remote to client in bytes, retransmissions included.
    #[serde(rename = "rb", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    received_payload_bytes: Option<u64>,
    /// Bytes of the IP datagrams from client to remote.
    #[serde(rename = "si", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    sent_ip_bytes: Option<u64>,
    /// Bytes of the IP datagrams from remote to client.
    #[serde(rename = "ri", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    received_ip_bytes: Option<u64>,
    /// IP datagrams from client to remote.
    #[serde(rename = "sp", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    sent_packets: Option<u64>,
    /// IP datagrams from remote to client.
    #[serde(rename = "rp", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    received_packets: Option<u64>,
    /// How many bytes of `sb` were sent before.
    #[serde(rename = "sr", skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0))]
    sent_retransmitted_bytes: u64,
    /// How many bytes of `rb` were sent before.
    #[serde(rename = "rr", skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0))]
    received_retransmitted_bytes: u64,
    /// Why the connection ended; absent unless it has (ECS `event.reason`).
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reason")]
    reason: Option<Reason>,
    /// How the translated address was found, or why there is none (ECS `nat_acct.match`).
    #[serde(rename = "m", skip_serializing_if = "Matched::is_sequence")]
    #[schemars(extend("default" = "sequence"))]
    matched: Matched,
    /// Whether segments were missed, so that the counts are too low (ECS `nat_acct.partial`).
    #[serde(rename = "p", skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    partial: bool,
    /// Name of the inside interface.
    #[serde(rename = "i")]
    inside: &'a str,
    /// VLAN on the inside interface; absent if packets are not tagged there (ECS `vlan.id`).
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vlans")]
    vlans: Option<Vlans>,
    /// Name of the interface on the remote's side, which is an inside one too if `m` is `hairpin`;
    /// absent if not known.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "&'a str")]
    beyond: Option<&'a str>,
    /// Whose numbers `n` are: the same for all records of one run (ECS `agent.ephemeral_id`).
    #[serde(rename = "a")]
    run: Run,
}

/// What a record has, by what it reports.
fn conditions() -> Value {
    let is =
        |kinds: &[&str]| json!({ "properties": { "k": { "enum": kinds } }, "required": ["k"] });
    let counts = ["d", "sb", "rb", "si", "ri", "sp", "rp"];
    let if_counted = [&counts[..], &["sr", "rr", "p"]].concat();
    json!([
        { "if": is(&["start", "update"]), "then": none(&["n", "e"]), "else": all(&["n", "e"]) },
        { "if": is(&["start"]), "then": none(&if_counted), "else": all(&counts) },
    ])
}

impl<'a> From<&'a Record> for Compact<'a> {
    fn from(record: &'a Record) -> Self {
        let account = &record.account;
        let counted = record.counted();
        let sent = counted.map(|totals| totals.sent);
        let received = counted.map(|totals| totals.received);
        let last = counted.map_or(record.start, |_| record.end);
        Self {
            sequence: record.sequence,
            id: record.id,
            kind: account.stage.into(),
            start_us: record.start.as_microsecond(),
            duration_us: counted.map(|_| record.duration_us()),
            written_us: record.written.as_microsecond() - last.as_microsecond(),
            direction: account.direction.into(),
            client: account.client.into(),
            translated: account
                .translated
                .map(|translated| translated.endpoint.into()),
            remote: record.remote.map(AddressPort::from),
            sent_payload_bytes: sent.map(|sums| sums.payload_bytes),
            received_payload_bytes: received.map(|sums| sums.payload_bytes),
            sent_ip_bytes: sent.map(|sums| sums.ip_bytes),
            received_ip_bytes: received.map(|sums| sums.ip_bytes),
            sent_packets: sent.map(|sums| sums.packets),
            received_packets: received.map(|sums| sums.packets),
            sent_retransmitted_bytes: sent.map_or(0, |sums| sums.retransmitted_bytes),
            received_retransmitted_bytes: received.map_or(0, |sums| sums.retransmitted_bytes),
            reason: account.end().map(Reason::from),
            matched: account.matched.into(),
            partial: counted.is_some() && account.partial,
            inside: &record.inside,
            vlans: Vlans::of(account.vlans),
            beyond: record.beyond.as_deref(),
            run: record.run,
        }
    }
}

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
