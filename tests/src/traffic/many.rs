//! Thousands of short connections at once, and what nginx and its clients say
//! of each.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Result;

use super::http::{self, Fetches};
use crate::server::Nginx;
use crate::truth::Record;
use crate::{Count, Family, Lab, Ns, Truth};

const AT_ONCE: usize = 50;

/// Fetches 1000 bytes in each of so many connections, a multiple of four: from both clients by both
/// protocols, a part each.
pub fn fetch(lab: &Lab, nginx: &Nginx, connections: usize) -> Result<Vec<Truth>> {
    let part = |client, family, port, at_once| Fetches {
        client,
        family,
        path: "/bytes/1000".to_owned(),
        port,
        connections: connections / 4,
        at_once,
    };
    let parts = [
        part(Ns::Client1, Family::V4, Nginx::ONE_SHOT, AT_ONCE / 4),
        part(Ns::Client1, Family::V6, Nginx::KEEPALIVE, AT_ONCE / 4),
        part(Ns::Client2, Family::V4, Nginx::KEEPALIVE, AT_ONCE / 4 + 1),
        part(Ns::Client2, Family::V6, Nginx::ONE_SHOT, AT_ONCE / 4 + 1),
    ];
    std::thread::scope(|scope| {
        let fetch = |part| scope.spawn(move || http::fetch_many(lab, nginx, part));
        let parts: Vec<_> = parts.iter().map(fetch).collect();
        let mut truths = Vec::new();
        for part in parts {
            truths.extend(part.join().expect("the thread of a part")?);
        }
        Ok(truths)
    })
}

/// What nginx and the record both say of a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    client: SocketAddr,
    translated: Option<SocketAddr>,
    remote: SocketAddr,
    sent: u64,
    received: u64,
    reason: String,
    matched: String,
    partial: bool,
}

/// The truths and the records are the same, one for one.
///
/// # Panics
///
/// If they are not, with some that differ.
#[track_caller]
pub fn assert_same(truths: &[Truth], records: &[Record]) {
    let mut surplus: BTreeMap<Said, i64> = BTreeMap::new();
    for truth in truths {
        *surplus.entry(by_truth(truth)).or_default() -= 1;
    }
    for record in records {
        *surplus.entry(by_record(record)).or_default() += 1;
    }
    surplus.retain(|_, count| *count != 0);
    let first: Vec<_> = surplus.iter().take(6).collect();
    assert!(
        first.is_empty(),
        "{} differ; missing (-1) or surplus (1) are: {first:#?}",
        surplus.len()
    );
}

fn by_truth(truth: &Truth) -> Said {
    let exact = |count| match count {
        Count::Exact(bytes) => bytes,
        Count::Between(..) | Count::Unknown => panic!("nginx and its client differ: {truth:?}"),
    };
    let port = |port: Option<u16>| port.expect("both ends tell their ports");
    Said {
        client: (truth.client, port(truth.client_port)).into(),
        translated: Some((truth.translated, port(truth.translated_port)).into()),
        remote: truth.remote,
        sent: exact(truth.sent),
        received: exact(truth.received),
        reason: "fin".to_owned(),
        matched: "sequence".to_owned(),
        partial: false,
    }
}

fn by_record(record: &Record) -> Said {
    Said {
        client: record.client,
        translated: record.translated,
        remote: record.remote,
        sent: record.stream_sent(),
        received: record.stream_received(),
        reason: record.reason.clone(),
        matched: record.matched.clone(),
        partial: record.partial,
    }
}
