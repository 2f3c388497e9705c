//! The compact format, read: see [`Compact`](crate::record::Compact) for what each field means.

use std::net::SocketAddr;

use serde::Deserialize;

use super::{Connection, Network, NoRecord, Told, numbered};
use crate::record::{
    Endpoint, Identifier, Run,
    words::{Kind, Matched, Opened, Reason},
};

#[derive(Deserialize)]
pub(super) struct Line {
    n: Option<u64>,
    id: Identifier,
    #[serde(default)]
    k: Kind,
    s: i64,
    #[serde(default)]
    d: u64,
    w: i64,
    #[serde(default)]
    dir: Opened,
    c: SocketAddr,
    x: Option<SocketAddr>,
    r: Option<SocketAddr>,
    #[serde(default)]
    sb: u64,
    #[serde(default)]
    rb: u64,
    e: Option<Reason>,
    #[serde(default)]
    m: Matched,
    #[serde(default)]
    p: bool,
    i: Option<String>,
    v: Option<String>,
    a: Run,
}

impl Line {
    pub(super) fn told(self) -> Result<Told, NoRecord> {
        let end_us = i64::try_from(self.d)
            .ok()
            .and_then(|duration_us| self.s.checked_add(duration_us))
            .ok_or(NoRecord::Contradiction("it lasts too long"))?;
        let written_us = end_us.checked_add(self.w);
        let (sequence, reason) = numbered(self.k, self.n, self.e)?;
        Ok(Told {
            run: self.a,
            sequence,
            kind: self.k,
            written_us: written_us.ok_or(NoRecord::Contradiction("it was written too late"))?,
            connection: Connection {
                id: self.id,
                start_us: self.s,
                end_us,
                reason,
                opened: self.dir,
                client: endpoint(self.c),
                network: self.i.map(|interface| Network::shared(interface, self.v)),
                translated: self.x.map(endpoint),
                remote: self.r.map(endpoint),
                sent_bytes: self.sb,
                received_bytes: self.rb,
                matched: self.m,
                partial: self.p,
            },
        })
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint {
        ip: address.ip(),
        port: address.port(),
    }
}
