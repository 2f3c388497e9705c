//! The record of a connection, by what one of its sockets knows.

use std::net::SocketAddr;

use super::Record;

/// The record of the connection between these two, as the client sees them.
///
/// # Panics
///
/// When there is none, or more than one.
#[track_caller]
#[must_use]
pub fn record_of(records: &[Record], client: SocketAddr, remote: SocketAddr) -> &Record {
    let is_own = |record: &&Record| (record.client, record.remote) == (client, remote);
    let own: Vec<_> = records.iter().filter(is_own).collect();
    let [record] = own[..] else {
        panic!("not one record of {client} and {remote} in {records:#?}");
    };
    record
}
