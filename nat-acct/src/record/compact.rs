//! The record as a flat object with short names, for sites that keep many. Every value of the ECS
//! format is in it, is the default of a field that is absent, or is a sum of two fields.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Identifier, Record,
    values::{AddressPort, Vlans},
    words::{Matched, Opened, Reason},
};

/// One closed TCP connection through a NAT gateway, flat and with short names. A field with a
/// default is absent when it has that value.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "nat-acct record, format compact", deny_unknown_fields)]
pub struct Compact<'a> {
    /// Counts the records of one boot of the agent without a gap (ECS `event.sequence`).
    #[serde(rename = "n")]
    sequence: u64,
    /// A UUID that identifies the connection for good: a record with an identifier seen before is
    /// a duplicate (ECS `event.id`).
    id: Identifier,
    /// When the opening SYN was seen, in microseconds since the Unix epoch (ECS `event.start`).
    #[serde(rename = "s")]
    start_us: i64,
    /// From the opening SYN to the last segment, in microseconds (ECS `event.duration`;
    /// `event.end` is `s` + `d`).
    #[serde(rename = "d")]
    duration_us: u64,
    /// From the last segment to the making of the record, in microseconds (ECS `@timestamp` is
    /// `s` + `d` + `w`).
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
    /// The remote: the address and port beyond the gateway.
    #[serde(rename = "r")]
    remote: AddressPort,
    /// TCP payload from client to remote in bytes, retransmissions included.
    #[serde(rename = "sb")]
    sent_payload_bytes: u64,
    /// TCP payload from remote to client in bytes, retransmissions included.
    #[serde(rename = "rb")]
    received_payload_bytes: u64,
    /// Bytes of the IP datagrams from client to remote.
    #[serde(rename = "si")]
    sent_ip_bytes: u64,
    /// Bytes of the IP datagrams from remote to client.
    #[serde(rename = "ri")]
    received_ip_bytes: u64,
    /// IP datagrams from client to remote.
    #[serde(rename = "sp")]
    sent_packets: u64,
    /// IP datagrams from remote to client.
    #[serde(rename = "rp")]
    received_packets: u64,
    /// How many bytes of `sb` were sent before.
    #[serde(rename = "sr", skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0))]
    sent_retransmitted_bytes: u64,
    /// How many bytes of `rb` were sent before.
    #[serde(rename = "rr", skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0))]
    received_retransmitted_bytes: u64,
    /// Why the connection ended (ECS `event.reason`).
    #[serde(rename = "e")]
    reason: Reason,
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
}

impl<'a> From<&'a Record> for Compact<'a> {
    fn from(record: &'a Record) -> Self {
        let closed = &record.closed;
        let (sent, received) = (closed.totals.sent, closed.totals.received);
        Self {
            sequence: record.sequence,
            id: record.id,
            start_us: record.start.as_microsecond(),
            duration_us: record.duration_us(),
            written_us: record.written.as_microsecond() - record.end.as_microsecond(),
            direction: closed.direction.into(),
            client: closed.client.into(),
            translated: closed
                .translated
                .map(|translated| translated.endpoint.into()),
            remote: closed.remote.into(),
            sent_payload_bytes: sent.payload_bytes,
            received_payload_bytes: received.payload_bytes,
            sent_ip_bytes: sent.ip_bytes,
            received_ip_bytes: received.ip_bytes,
            sent_packets: sent.packets,
            received_packets: received.packets,
            sent_retransmitted_bytes: sent.retransmitted_bytes,
            received_retransmitted_bytes: received.retransmitted_bytes,
            reason: closed.end.into(),
            matched: closed.matched.into(),
            partial: closed.partial,
            inside: &record.inside,
            vlans: Vlans::of(closed.vlans),
            beyond: record.beyond.as_deref(),
        }
    }
}

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
