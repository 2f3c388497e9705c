//! The record in the names of the Elastic Common Schema, with `nat_acct` for what that schema has
//! no name for. Order and presence of the fields are fixed here and nowhere else.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Direction, Endpoint, Identifier, Record, Sums,
    values::{Address, Time, Vlans},
    words::{Action, Matched, Opened, Reason, Transport},
};

/// One closed TCP connection through a NAT gateway, in names of the Elastic Common Schema.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "nat-acct record, format ecs", deny_unknown_fields)]
pub struct Ecs<'a> {
    /// When the record was made.
    #[serde(rename = "@timestamp")]
    timestamp: Time,
    /// What happened to the connection, and when.
    event: Event,
    /// What kind of connection it was.
    network: Network,
    /// The side that opened the connection.
    source: Side,
    /// The side that was called.
    destination: Side,
    /// What the Elastic Common Schema has no name for.
    nat_acct: NatAcct,
    /// The interfaces of the gateway that the connection went through.
    observer: Observer<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Event {
    /// What the record reports.
    action: Action,
    /// A UUID that identifies the connection for good: a record with an identifier seen before is
    /// a duplicate.
    id: Identifier,
    /// Counts the records of one boot of the agent without a gap.
    sequence: u64,
    /// When the opening SYN was seen.
    start: Time,
    /// When the last segment was seen.
    end: Time,
    /// From start to end, in nanoseconds.
    duration: u64,
    /// Why the connection ended.
    reason: Reason,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Network {
    /// The protocol above IP.
    transport: Transport,
    /// Which side opened the connection.
    direction: Opened,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Side {
    /// Its address, as seen on the inside interface.
    ip: Address,
    /// Its port, as seen on the inside interface.
    port: u16,
    /// What the remote sees instead of the client; only at the client, and only if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Nat")]
    nat: Option<Nat>,
    /// Bytes of the IP datagrams that this side sent.
    bytes: u64,
    /// IP datagrams that this side sent.
    packets: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Nat {
    /// The translated address.
    ip: Address,
    /// The translated port.
    port: u16,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NatAcct {
    /// TCP payload from client to remote in bytes, retransmissions included.
    sent: u64,
    /// TCP payload from remote to client in bytes, retransmissions included.
    received: u64,
    /// How much of the payload was sent before.
    retransmitted: Retransmitted,
    /// How the translated address was found, or why there is none.
    #[serde(rename = "match")]
    matched: Matched,
    /// Whether segments were missed, so that the counts are too low.
    partial: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Retransmitted {
    /// Retransmitted payload from client to remote in bytes.
    sent: u64,
    /// Retransmitted payload from remote to client in bytes.
    received: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Observer<'a> {
    /// Where the opening SYN came in; absent if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Port<'a>")]
    ingress: Option<Port<'a>>,
    /// Where the opening SYN went out; absent if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Port<'a>")]
    egress: Option<Port<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Port<'a> {
    /// The interface.
    interface: Interface<'a>,
    /// The VLAN; only on the inside, and only if packets are tagged there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vlan")]
    vlan: Option<Vlan>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Interface<'a> {
    /// Its name.
    name: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Vlan {
    /// Its identifier; `100.10` is VLAN 10 inside VLAN 100.
    id: Vlans,
}

impl<'a> From<&'a Record> for Ecs<'a> {
    fn from(record: &'a Record) -> Self {
        let (source, destination) = sides(record);
        Self {
            timestamp: Time(record.written),
            event: event(record),
            network: Network {
                transport: Transport::Tcp,
                direction: record.closed.direction.into(),
            },
            source,
            destination,
            nat_acct: nat_acct(record),
            observer: observer(record),
        }
    }
}

fn event(record: &Record) -> Event {
    Event {
        action: Action::SessionEnd,
        id: record.id,
        sequence: record.sequence,
        start: Time(record.start),
        end: Time(record.end),
        duration: record.duration_us() * 1000,
        reason: record.closed.end.into(),
    }
}

/// Source and destination: ECS says who opened, not who is inside.
fn sides(record: &Record) -> (Side, Side) {
    let closed = &record.closed;
    let translated = closed.translated.map(|translated| translated.endpoint);
    let client = side(closed.client, translated, closed.totals.sent);
    let remote = side(closed.remote, None, closed.totals.received);
    match closed.direction {
        Direction::Outbound => (client, remote),
        Direction::Inbound => (remote, client),
    }
}

fn side(endpoint: Endpoint, translated: Option<Endpoint>, sums: Sums) -> Side {
    Side {
        ip: Address(endpoint.ip),
        port: endpoint.port,
        nat: translated.map(|translated| Nat {
            ip: Address(translated.ip),
            port: translated.port,
        }),
        bytes: sums.ip_bytes,
        packets: sums.packets,
    }
}

fn nat_acct(record: &Record) -> NatAcct {
    let totals = &record.closed.totals;
    NatAcct {
        sent: totals.sent.payload_bytes,
        received: totals.received.payload_bytes,
        retransmitted: Retransmitted {
            sent: totals.sent.retransmitted_bytes,
            received: totals.received.retransmitted_bytes,
        },
        matched: record.closed.matched.into(),
        partial: record.closed.partial,
    }
}

fn observer(record: &Record) -> Observer<'_> {
    let vlans = Vlans::of(record.closed.vlans);
    let inside = Some(port(&record.inside, vlans));
    let beyond = record.beyond.as_deref().map(|name| port(name, None));
    let (ingress, egress) = match record.closed.direction {
        Direction::Outbound => (inside, beyond),
        Direction::Inbound => (beyond, inside),
    };
    Observer { ingress, egress }
}

fn port(name: &str, vlans: Option<Vlans>) -> Port<'_> {
    Port {
        interface: Interface { name },
        vlan: vlans.map(|id| Vlan { id }),
    }
}
