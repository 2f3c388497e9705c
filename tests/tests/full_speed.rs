//! One connection as fast as the machine allows, with all offloads on: what the
//! record says does not depend on how the kernel bundles segments.

use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::device;
use nat_acct_tests::server::Iperf3;
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::traffic::{iperf3, socket};
use nat_acct_tests::truth::{Wire, assert_carried, assert_equal};
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab};

use Step::{Close, Meet, ReceiveToEnd, SendFor, ShutdownWrite};

const SOON: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_secs(3);

/// The way of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

#[test]
fn ten_seconds_up() -> Result<()> {
    in_a_lab(|lab| full_speed(lab, Family::V4, Way::Up, LONG))
}

#[test]
fn ten_seconds_down() -> Result<()> {
    in_a_lab(|lab| full_speed(lab, Family::V6, Way::Down, LONG))
}

/// Payload less retransmitted is what the sockets count, and retransmitted is
/// what the sender's kernel counts.
fn full_speed(lab: &Lab, family: Family, way: Way, time: Duration) -> Result<()> {
    let agent = Agent::start(lab, &[])?;
    let bundles = device::bundles(lab)?;
    let (done, retransmitted) = transfer(lab, family, way, time)?;
    let record = agent.stop_with_one_record()?;
    assert_equal(
        &[done.truth("full speed", &["fin"])],
        std::slice::from_ref(&record),
    );
    let (counted, back) = match way {
        Way::Up => (record.retransmitted_sent, record.retransmitted_received),
        Way::Down => (record.retransmitted_received, record.retransmitted_sent),
    };
    sent_again(lab, way, counted, retransmitted)?;
    assert_eq!(back, 0, "{record:#?}");
    let packets = record.volume_sent.packets + record.volume_received.packets;
    let bundles = device::bundles(lab)? - bundles;
    assert!(
        bundles < packets / 2,
        "offloads were on: {bundles} for {packets} packets"
    );
    Ok(())
}

#[test]
fn what_is_lost_behind_the_gateway_is_retransmitted() -> Result<()> {
    in_a_lab(|lab| {
        // After the inside interface, for either way.
        for host in [Ns::Remote, Ns::Client1] {
            lab.nft(
                host,
                "add table inet loss\n\
                 add chain inet loss input { type filter hook input priority 0; }\n\
                 add rule inet loss input meta length > 1000 numgen random mod 100 < 2 drop",
            )?;
        }
        for (family, way) in [(Family::V4, Way::Up), (Family::V6, Way::Down)] {
            let agent = Agent::start(lab, &[])?;
            let (done, retransmitted) = transfer(lab, family, way, SHORT)?;
            assert!(retransmitted > 0, "nothing was lost");
            let record = agent.stop_with_one_record()?;
            assert_equal(
                &[done.truth("loss", &["fin"])],
                std::slice::from_ref(&record),
            );
            let counted = match way {
                Way::Up => record.retransmitted_sent,
                Way::Down => record.retransmitted_received,
            };
            sent_again(lab, way, counted, retransmitted)?;
        }
        Ok(())
    })
}

#[test]
fn packets_are_those_on_the_wire() -> Result<()> {
    in_a_lab(|lab| {
        device::cut_up_behind_inside(lab)?;
        // No more under way than fits into the queue of a processor
        // (net.core.netdev_max_backlog): little is lost after it was counted.
        for host in [Ns::Remote, Ns::Client1] {
            lab.set(host, &[("ipv4/tcp_rmem", "4096 131072 400000")])?;
        }
        let at_remote = Wire::count(lab, Ns::Remote)?;
        let at_client = Wire::count(lab, Ns::Client1)?;
        for family in [Family::V4, Family::V6] {
            for way in [Way::Up, Way::Down] {
                let agent = Agent::start(lab, &[])?;
                let before = (at_remote.tcp()?, at_client.tcp()?, device::bundles(lab)?);
                let lost_before = device::dropped_behind_inside(lab)?;
                let (done, _) = transfer(lab, family, way, SHORT)?;
                let record = agent.stop_with_one_record()?;
                let lost = device::dropped_behind_inside(lab)?;
                let sent = at_remote.tcp()? - before.0;
                let received = at_client.tcp()? - before.1;
                assert_equal(
                    &[done.truth("wire", &["fin"])],
                    std::slice::from_ref(&record),
                );
                assert_carried(record.volume_sent, sent, lost.0 - lost_before.0);
                assert_carried(record.volume_received, received, lost.1 - lost_before.1);
                let (packets, bundles) = (
                    sent.packets + received.packets,
                    device::bundles(lab)? - before.2,
                );
                assert!(
                    bundles < packets / 2,
                    "there was nothing to cut up: {bundles} for {packets} packets"
                );
            }
        }
        Ok(())
    })
}

#[test]
fn iperf3_for_ten_seconds() -> Result<()> {
    in_a_lab(|lab| {
        let server = Iperf3::start(lab, Iperf3::PORT)?;
        let agent = Agent::start(lab, &[])?;
        let test = iperf3::Test {
            client: Ns::Client2,
            family: Family::V4,
            direction: iperf3::Direction::Upload,
            streams: 4,
            amount: "-t 10",
        };
        let mut truths = iperf3::run(lab, &server, &test)?;
        for truth in &mut truths {
            // The server closes with data still to be read.
            truth.reasons = &["fin", "rst"];
        }
        agent.wait_for_records(truths.len(), SOON)?;
        let stopped = agent.stop()?;
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        Ok(())
    })
}

/// One side sends for so long; also returns what its kernel sent again.
fn transfer(lab: &Lab, family: Family, way: Way, time: Duration) -> Result<(Done, u64)> {
    let sender = [SendFor(time), ShutdownWrite, Meet, Meet, Close];
    let receiver = [ReceiveToEnd, Meet, Meet, Close];
    let (client, remote) = match way {
        Way::Up => (&sender[..], &receiver[..]),
        Way::Down => (&receiver[..], &sender[..]),
    };
    let (client_port, remote_port) = (41_000, 5_001);
    let conversation = Conversation::new(lab, Ns::Client1, family)
        .client_port(client_port)
        .remote_port(remote_port);
    let (sender, port) = match way {
        Way::Up => (Ns::Client1, client_port),
        Way::Down => (Ns::Remote, remote_port),
    };
    // Its socket waits for the other's FIN then.
    let (done, at_sender) = conversation.run_with(client, remote, || {
        socket::wait_acknowledged(lab, sender, port)?;
        socket::counters(lab, sender, port)
    })?;
    Ok((done, at_sender?.bytes_retransmitted))
}

/// The agent counts as sent again what the sender does, unless the first copy
/// did not even come to the gateway.
fn sent_again(lab: &Lab, way: Way, counted: u64, by_sender: u64) -> Result<()> {
    let sender = match way {
        Way::Up => Ns::Client1,
        Way::Down => Ns::Remote,
    };
    if device::statistic(lab, sender, "eth0", "tx_dropped")? == 0 {
        assert_eq!(counted, by_sender, "{way:?}");
    } else {
        assert!(counted <= by_sender, "{way:?}: {counted} > {by_sender}");
    }
    Ok(())
}
