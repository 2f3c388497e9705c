//! Multipath TCP through the gateway: each subflow is a connection of its own,
//! with its own translated address, and its record is exact.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::mptcp;
use nat_acct_tests::traffic::socket::{Connection, connections};
use nat_acct_tests::truth::{assert_equal, conntrack};
use nat_acct_tests::{Agent, Count, Family, Lab, Ns, Truth, agent, in_a_lab, wait_until};

use Step::{Close, Meet, Receive, ReceiveToEnd, Send};

const SOON: Duration = Duration::from_secs(30);
/// So much that the second path, which is opened when data flows, has its part also on a busy machine.
const UP: u64 = 60_000_000;
const DOWN: u64 = 90_000_000;

#[test]
fn each_subflow_has_a_record() -> Result<()> {
    in_a_lab(|lab| {
        mptcp::add_path(lab, Ns::Client1, IpAddr::from([192, 168, 17, 21]))?;
        mptcp::add_path(lab, Ns::Client1, "fd00:17::21".parse()?)?;
        let agent = Agent::start(lab, &[])?;
        let mut truths = Vec::new();
        for family in [Family::V4, Family::V6] {
            let client = [Send(UP), Receive(DOWN), Meet, Meet, Close];
            let remote = [Receive(UP), Send(DOWN), Meet, Meet, ReceiveToEnd];
            let conversation = Conversation::new(lab, Ns::Client1, family).multipath();
            let (_, subflows) =
                conversation.run_with(&client, &remote, || subflows(lab, family))?;
            truths.extend(subflows?);
        }
        agent.wait_for_records(truths.len(), SOON)?;
        let stopped = agent.stop()?;
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        shown("Real traffic", "Multipath TCP", Way::Live, "exact");
        Ok(())
    })
}

/// The truth of each subflow of the only open connection, when nothing is under
/// way any more.
fn subflows(lab: &Lab, family: Family) -> Result<Vec<Truth>> {
    let of_family = |connection: &Connection| (family == Family::V4) == connection.peer.is_ipv4();
    let truths = wait_until(SOON, "both ends to agree", || {
        let mut truths = Vec::new();
        let at_remote = connections(lab, Ns::Remote)?;
        for subflow in connections(lab, Ns::Client1)?
            .iter()
            .filter(|one| of_family(one))
        {
            let translated = conntrack::translated(lab, subflow.local)?;
            let Some(other) = at_remote.iter().find(|one| one.peer == translated) else {
                return Ok(None);
            };
            truths.push(truth(subflow, other));
        }
        let agree = truths.iter().all(|truth| {
            [truth.sent, truth.received]
                .iter()
                .all(|count| matches!(count, Count::Exact(_)))
        });
        Ok(agree.then_some(truths))
    })?;
    let loaded = truths
        .iter()
        .filter(|truth| truth.received != Count::Exact(0));
    ensure!(loaded.count() == 2, "not two paths: {truths:#?}");
    Ok(truths)
}

fn truth(client: &Connection, remote: &Connection) -> Truth {
    let stream = |one: &Connection| one.counters.bytes_sent - one.counters.bytes_retransmitted;
    Truth {
        label: format!("subflow from {}", client.local),
        client: client.local.ip(),
        client_port: Some(client.local.port()),
        remote: client.peer,
        translated: remote.peer.ip(),
        translated_port: Some(remote.peer.port()),
        sent: Count::of(stream(client), remote.counters.bytes_received),
        received: Count::of(stream(remote), client.counters.bytes_received),
        reasons: &["fin"],
    }
}
