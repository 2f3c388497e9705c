//! Truths that know everything beside records, as multisets: ports come again
//! when there are many connections.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Count, Record, Truth};

/// The truths and the records are the same, one for one.
///
/// # Panics
///
/// With what is missing and what is too much.
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

fn by_truth(truth: &Truth) -> Said {
    let exact = |count| match count {
        Count::Exact(bytes) => bytes,
        Count::Between(..) | Count::UpTo(_) | Count::Unknown => {
            panic!("nginx and its client differ: {truth:?}")
        }
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
