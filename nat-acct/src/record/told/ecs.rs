//! The ECS format, read: see [`Ecs`](crate::record::Ecs) for what each field means.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Connection, NoRecord, Told, network, numbered};
use crate::record::{
    Endpoint, Identifier, Run,
    words::{Action, Matched, Opened, Reason},
};

#[derive(Deserialize)]
pub(super) struct Line {
    #[serde(rename = "@timestamp")]
    timestamp: Microseconds,
    event: Event,
    network: Network,
    #[serde(default)]
    source: Side,
    #[serde(default)]
    destination: Side,
    #[serde(default)]
    observer: Observer,
    nat_acct: NatAcct,
    agent: Agent,
}

#[derive(Deserialize)]
struct Event {
    action: Action,
    id: Identifier,
    sequence: Option<u64>,
    start: Microseconds,
    end: Option<Microseconds>,
    reason: Option<Reason>,
}

#[derive(Deserialize)]
struct Network {
    direction: Opened,
}

#[derive(Default, Deserialize)]
struct Side {
    ip: Option<IpAddr>,
    port: Option<u16>,
    nat: Option<Nat>,
}

#[derive(Deserialize)]
struct Nat {
    ip: IpAddr,
    port: u16,
}

#[derive(Default, Deserialize)]
struct Observer {
    ingress: Option<Port>,
    egress: Option<Port>,
}

#[derive(Deserialize)]
struct Port {
    interface: Interface,
    vlan: Option<Vlan>,
}

#[derive(Deserialize)]
struct Interface {
    name: String,
}

#[derive(Deserialize)]
struct Vlan {
    id: String,
}

#[derive(Deserialize)]
struct NatAcct {
    #[serde(default)]
    sent: u64,
    #[serde(default)]
    received: u64,
    #[serde(rename = "match")]
    matched: Matched,
    #[serde(default)]
    partial: bool,
}

#[derive(Deserialize)]
struct Agent {
    ephemeral_id: Run,
}

/// A time by RFC 3339, in microseconds since the Unix epoch.
struct Microseconds(i64);

impl<'de> Deserialize<'de> for Microseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let time: Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(Self(time.as_microsecond()))
    }
}

impl Line {
    pub(super) fn told(self) -> Result<Told, NoRecord> {
        let Event { start, end, .. } = self.event;
        let Observer { ingress, egress } = self.observer;
        let (client, remote, inside) = match self.network.direction {
            Opened::Outbound => (self.source, self.destination, ingress),
            Opened::Inbound => (self.destination, self.source, egress),
        };
        let client_endpoint = client.endpoint();
        let kind = self.event.action.into();
        let (sequence, reason) = numbered(kind, self.event.sequence, self.event.reason)?;
        Ok(Told {
            run: self.agent.ephemeral_id,
            sequence,
            kind,
            written_us: self.timestamp.0,
            connection: Connection {
                id: self.event.id,
                start_us: start.0,
                end_us: end.map_or(start.0, |end| end.0),
                reason,
                opened: self.network.direction,
                client: client_endpoint.ok_or(NoRecord::Contradiction("it has no client"))?,
                network: inside.map(|port| {
                    network::Network::shared(port.interface.name, port.vlan.map(|vlan| vlan.id))
                }),
                translated: client.nat.map(|nat| Endpoint {
                    ip: nat.ip,
                    port: nat.port,
                }),
                remote: remote.endpoint(),
                sent_bytes: self.nat_acct.sent,
                received_bytes: self.nat_acct.received,
                matched: self.nat_acct.matched,
                partial: self.nat_acct.partial,
            },
        })
    }
}

impl Side {
    fn endpoint(&self) -> Option<Endpoint> {
        Some(Endpoint {
            ip: self.ip?,
            port: self.port?,
        })
    }
}
