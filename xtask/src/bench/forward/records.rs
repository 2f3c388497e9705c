//! What the agent's records say of the forged connections, beside what was sent and what arrived.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use nat_acct_tests::agent::{Stopped, closing};
use nat_acct_tests::lab::{Family, translated};

use super::flood::PAYLOAD;
use super::hosts::{REMOTE, REMOTE_PORT, client};
use super::segments::Segments;

/// A record of each connection, with its translated address; and no byte too few or too many.
pub fn check(stopped: &Stopped, connections: u16, sent: Segments, arrived: Segments) -> Result<()> {
    let remote = SocketAddr::new(REMOTE.into(), REMOTE_PORT);
    let mut records = closing(&stopped.records)?;
    records.retain(|record| record.remote == remote);
    records.sort_by_key(|record| record.client.port());
    ensure!(
        records.len() == usize::from(connections),
        "{} records of {connections} connections:\n{}",
        records.len(),
        stopped.log
    );
    for (connection, record) in (0..).zip(&records) {
        let (ip, port) = client(connection);
        let expect = (
            SocketAddr::new(ip.into(), port),
            Some(SocketAddr::new(translated(Family::V4), port)),
        );
        let found = (record.client, record.translated);
        ensure!(found == expect, "{found:?} instead of {expect:?}");
    }
    let payload = PAYLOAD as u64;
    let recorded = Segments {
        from_clients: records.iter().map(|record| record.sent).sum::<u64>() / payload,
        from_remote: records.iter().map(|record| record.received).sum::<u64>() / payload,
    };
    // One that is lost on the way may have been seen.
    let lies_between = |least: u64, segments: u64, most: u64| {
        ensure!(
            (least..=most).contains(&segments),
            "{segments} segments in the records, but {most} were sent and {least} arrived"
        );
        Ok(())
    };
    lies_between(
        arrived.from_clients,
        recorded.from_clients,
        sent.from_clients,
    )?;
    lies_between(arrived.from_remote, recorded.from_remote, sent.from_remote)
}
