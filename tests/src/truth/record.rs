//! A closing record of the agent in the words of the lab: client, translated
//! address, remote, and payload without what was sent twice.

use std::net::SocketAddr;
use std::ops::{Add, Sub};

use anyhow::{Context, Result};
use serde_json::Value;

/// What a closing record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The inside endpoint.
    pub client: SocketAddr,
    /// What the remote sees instead of it.
    pub translated: Option<SocketAddr>,
    /// The endpoint beyond the gateway.
    pub remote: SocketAddr,
    /// Whether the remote opened the connection.
    pub inbound: bool,
    /// By which interface the opening came in, if that is known.
    pub ingress: Option<String>,
    /// By which interface it left.
    pub egress: Option<String>,
    /// When it began, as it is written: UTC, so that the order of the texts is
    /// the order of time.
    pub start: String,
    /// When it ended.
    pub end: String,
    /// Packets and IP bytes from client to remote.
    pub volume_sent: Volume,
    /// Packets and IP bytes from remote to client.
    pub volume_received: Volume,
    /// Payload bytes from client to remote, retransmissions included.
    pub sent: u64,
    /// Payload bytes from remote to client, retransmissions included.
    pub received: u64,
    /// How many of `sent` were retransmissions.
    pub retransmitted_sent: u64,
    /// How many of `received` were retransmissions.
    pub retransmitted_received: u64,
    /// Why it ended.
    pub reason: String,
    /// How the two sightings were matched.
    pub matched: String,
    /// Whether bytes were missed.
    pub partial: bool,
}

/// What IP carried in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets on the wire.
    pub packets: u64,
    /// Their bytes, IP headers included.
    pub ip_bytes: u64,
}

impl Add for Volume {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            ip_bytes: self.ip_bytes + other.ip_bytes,
        }
    }
}

impl Sub for Volume {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            packets: self.packets - before.packets,
            ip_bytes: self.ip_bytes - before.ip_bytes,
        }
    }
}

impl Record {
    /// Whether this is the record of an end; there can be others of a start or
    /// in between.
    #[must_use]
    pub fn is_end(value: &Value) -> bool {
        value["event"]["action"] == "nat-session-end"
    }

    /// Reads the `ecs` format.
    pub fn read(value: &Value) -> Result<Self> {
        let inbound = value["network"]["direction"] == "inbound";
        // `source` is the side that opened the connection.
        let (client, remote) = if inbound {
            ("destination", "source")
        } else {
            ("source", "destination")
        };
        let at = |pointer: &str| {
            value
                .pointer(pointer)
                .with_context(|| format!("{pointer} in {value}"))
        };
        let number = |pointer: &str| {
            at(pointer)?
                .as_u64()
                .with_context(|| format!("{pointer} in {value}"))
        };
        let text = |pointer: &str| {
            at(pointer)?
                .as_str()
                .with_context(|| format!("{pointer} in {value}"))
        };
        let interface = |way: &str| {
            let name = value.pointer(&format!("/observer/{way}/interface/name"))?;
            Some(name.as_str()?.to_owned())
        };
        let volume = |side: &str| -> Result<Volume> {
            Ok(Volume {
                packets: number(&format!("/{side}/packets"))?,
                ip_bytes: number(&format!("/{side}/bytes"))?,
            })
        };
        Ok(Self {
            client: address(&value[client])?,
            translated: value[client].get("nat").map(address).transpose()?,
            remote: address(&value[remote])?,
            inbound,
            ingress: interface("ingress"),
            egress: interface("egress"),
            start: text("/event/start")?.to_owned(),
            end: text("/event/end")?.to_owned(),
            volume_sent: volume(client)?,
            volume_received: volume(remote)?,
            sent: number("/nat_acct/sent")?,
            received: number("/nat_acct/received")?,
            retransmitted_sent: number("/nat_acct/retransmitted/sent")?,
            retransmitted_received: number("/nat_acct/retransmitted/received")?,
            reason: text("/event/reason")?.to_owned(),
            matched: text("/nat_acct/match")?.to_owned(),
            partial: at("/nat_acct/partial")? == true,
        })
    }

    /// Bytes of both streams, that from the client first.
    #[must_use]
    pub fn streams(&self) -> (u64, u64) {
        (self.stream_sent(), self.stream_received())
    }

    /// Bytes of the stream from client to remote: what the endpoints count.
    #[must_use]
    pub fn stream_sent(&self) -> u64 {
        self.sent.saturating_sub(self.retransmitted_sent)
    }

    /// Bytes of the stream from remote to client: what the endpoints count.
    #[must_use]
    pub fn stream_received(&self) -> u64 {
        self.received.saturating_sub(self.retransmitted_received)
    }
}

fn address(value: &Value) -> Result<SocketAddr> {
    let wrong = || format!("not an address: {value}");
    let ip = value["ip"]
        .as_str()
        .with_context(wrong)?
        .parse()
        .with_context(wrong)?;
    let port = value["port"]
        .as_u64()
        .with_context(wrong)?
        .try_into()
        .with_context(wrong)?;
    Ok(SocketAddr::new(ip, port))
}
