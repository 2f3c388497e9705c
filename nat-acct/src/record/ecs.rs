//! The record in the names of the Elastic Common Schema, with `nat_acct` for what that schema has
//! no name for. Order and presence of the fields are fixed here and nowhere else.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Direction, Endpoint, Identifier, Record, Run, Sums,
    schema::{all, none},
    values::{Address, Time, Vlans},
    words::{Action, Matched, Opened, Reason, Transport},
};

/// A TCP connection through a NAT gateway at its end, or at its start or in between, in names of the
/// Elastic Common Schema.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "nat-acct record, format ecs", deny_unknown_fields)]
#[schemars(extend("allOf" = conditions()))]
pub struct Ecs<'a> {
    /// When the record was made.
    #[serde(rename = "@timestamp")]
    timestamp: Time,
    /// What happened to the connection, and when.
    event: Event,
    /// What kind of connection it was.
    network: Network,
    /// The side that opened the connection.
    #[serde(skip_serializing_if = "Side::is_empty")]
    source: Side,
    /// The side that was called.
    #[serde(skip_serializing_if = "Side::is_empty")]
    destination: Side,
    /// What the Elastic Common Schema has no name for.
    nat_acct: NatAcct,
    /// The interfaces of the gateway that the connection went through.
    observer: Observer<'a>,
    /// Who wrote the record.
    agent: Agent,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Event {
    /// What the record reports.
    action: Action,
    /// A UUID that identifies the connection for good, in all its records: of its end there is one,
    /// and another with the same identifier is a duplicate.
    id: Identifier,
    /// Counts the records of ends without a gap: those of one run of the agent, or of all since what
    /// lives on (`--pin`) was made. Other records have no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    sequence: Option<u64>,
    /// When the opening SYN was seen.
    start: Time,
    /// When the last segment was seen; in an update, until then. Absent at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    end: Option<Time>,
    /// From `start` to `end`, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    duration: Option<u64>,
    /// Why the connection ended; absent unless it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reason")]
    reason: Option<Reason>,
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
#[schemars(extend("dependentRequired" = { "ip": ["port"], "port": ["ip"] }))]
struct Side {
    /// Its address, as seen on the inside interface. Absent at the remote with `--no-destination`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Address")]
    ip: Option<Address>,
    /// Its port, as seen on the inside interface. Absent where `ip` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    port: Option<u16>,
    /// What the remote sees instead of the client; only at the client, and only if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Nat")]
    nat: Option<Nat>,
    /// Bytes of the IP datagrams that this side sent since the start of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    bytes: Option<u64>,
    /// IP datagrams that this side sent since the start of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    packets: Option<u64>,
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
    /// TCP payload from client to remote in bytes, retransmissions included, since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    sent: Option<u64>,
    /// TCP payload from remote to client in bytes, retransmissions included, since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    received: Option<u64>,
    /// How much of the payload was sent before; in an update, what is proved of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Retransmitted")]
    retransmitted: Option<Retransmitted>,
    /// How the translated address was found, or why there is none.
    #[serde(rename = "match")]
    matched: Matched,
    /// Whether segments were missed, so that the counts are too low.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    partial: Option<bool>,
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
struct Agent {
    /// Whose numbers `event.sequence` are: the same for all records of one run.
    ephemeral_id: Run,
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

impl Side {
    /// Whether nothing is told of it: a remote that is left out, at the start of its connection.
    fn is_empty(&self) -> bool {
        self.ip.is_none() && self.nat.is_none() && self.bytes.is_none()
    }
}

impl<'a> From<&'a Record> for Ecs<'a> {
    fn from(record: &'a Record) -> Self {
        let (source, destination) = sides(record);
        Self {
            timestamp: Time(record.written),
            event: event(record),
            network: Network {
                transport: Transport::Tcp,
                direction: record.account.direction.into(),
            },
            source,
            destination,
            nat_acct: nat_acct(record),
            observer: observer(record),
            agent: Agent {
                ephemeral_id: record.run,
            },
        }
    }
}

/// What a record has, by what it reports. In which of the two sides the client is, the direction tells.
fn conditions() -> Value {
    let action = |word: &str| json!({ "properties": { "event": { "properties": { "action": { "const": word } } } } });
    let event = |schema: Value| json!({ "properties": { "event": schema } });
    let endpoint =
        |side: &str| json!({ "required": [side], "properties": { side: all(&["ip", "port"]) } });
    let counts = |event: Value, side: Value, nat_acct: Value| {
        json!({
            "event": event, "source": side, "destination": side, "nat_acct": nat_acct
        })
    };
    let of_end = ["sequence", "reason"];
    let (times, volume) = (["end", "duration"], ["bytes", "packets"]);
    let payload = ["sent", "received", "retransmitted", "partial"];
    json!([
        {
            "if": action("nat-session-end"),
            "then": event(all(&of_end)),
            "else": event(none(&of_end)),
        },
        {
            "if": action("nat-session-start"),
            "then": { "properties": counts(none(&times), none(&volume), none(&payload)) },
            "else": {
                "required": ["source", "destination"],
                "properties": counts(all(&times), all(&volume), all(&payload)),
            },
        },
        {
            "if": { "properties": { "network": { "properties": { "direction": { "const": "outbound" } } } } },
            "then": endpoint("source"),
            "else": endpoint("destination"),
        },
    ])
}

fn event(record: &Record) -> Event {
    let is_counted = record.counted().is_some();
    Event {
        action: record.account.stage.into(),
        id: record.id,
        sequence: record.sequence,
        start: Time(record.start),
        end: is_counted.then_some(Time(record.end)),
        duration: is_counted.then(|| record.duration_us() * 1000),
        reason: record.account.end().map(Reason::from),
    }
}

/// Source and destination: ECS says who opened, not who is inside.
fn sides(record: &Record) -> (Side, Side) {
    let account = &record.account;
    let totals = record.counted();
    let client = Side {
        nat: account.translated.map(|translated| Nat {
            ip: Address(translated.endpoint.ip),
            port: translated.endpoint.port,
        }),
        ..side(Some(account.client), totals.map(|totals| totals.sent))
    };
    let remote = side(record.remote, totals.map(|totals| totals.received));
    match account.direction {
        Direction::Outbound => (client, remote),
        Direction::Inbound => (remote, client),
    }
}

fn side(endpoint: Option<Endpoint>, sums: Option<Sums>) -> Side {
    Side {
        ip: endpoint.map(|endpoint| Address(endpoint.ip)),
        port: endpoint.map(|endpoint| endpoint.port),
        nat: None,
        bytes: sums.map(|sums| sums.ip_bytes),
        packets: sums.map(|sums| sums.packets),
    }
}

fn nat_acct(record: &Record) -> NatAcct {
    let totals = record.counted();
    NatAcct {
        sent: totals.map(|totals| totals.sent.payload_bytes),
        received: totals.map(|totals| totals.received.payload_bytes),
        retransmitted: totals.map(|totals| Retransmitted {
            sent: totals.sent.retransmitted_bytes,
            received: totals.received.retransmitted_bytes,
        }),
        matched: record.account.matched.into(),
        partial: totals.map(|_| record.account.partial),
    }
}

fn observer(record: &Record) -> Observer<'_> {
    let vlans = Vlans::of(record.account.vlans);
    let inside = Some(port(&record.inside, vlans));
    let beyond = record.beyond.as_deref().map(|name| port(name, None));
    let (ingress, egress) = match record.account.direction {
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
