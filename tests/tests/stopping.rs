//! An agent that is stopped by Ctrl-C or SIGTERM in the middle of everything: a
//! record for every connection that it saw open, and in it every packet until the
//! programs were taken off.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use nat_acct_tests::agent::{self, Stopped};
use nat_acct_tests::lab::device::{self, statistic};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::held;
use nat_acct_tests::truth::{Capture, Record, Seen, Volume, assert_equal};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, in_a_lab, wait_until};
use nix::sys::signal::Signal;

use Step::{Close, Meet, Receive, ReceiveToEnd, Send};

/// Packets on the inside after which the agent is stopped: more than come within [`ON_THE_WAY_NS`].
const IN_THE_MIDDLE: u64 = 12_000;
/// A packet has its time when it arrives, and may then wait for so long before the agent's program
/// sees it.
const ON_THE_WAY_NS: u128 = 1_000_000_000;
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
/// Connections that are still sending when the agent stops.
const LONG_ONES: usize = 8;

#[test]
fn ctrl_c_under_load() -> Result<()> {
    under_load(&[Signal::SIGINT], "Ctrl-C under load")
}

#[test]
fn ctrl_c_twice_under_load() -> Result<()> {
    under_load(&[Signal::SIGINT, Signal::SIGINT], "Ctrl-C twice under load")
}

#[test]
fn sigterm_under_load() -> Result<()> {
    under_load(&[Signal::SIGTERM], "SIGTERM under load")
}

#[test]
fn ctrl_c_while_it_starts() -> Result<()> {
    in_a_lab(|lab| {
        let args = ["run", "--inside", "br0", "--outside", "eth1"];
        let mut agent = Agent::spawn(lab, &agent::binary()?, &args)?;
        let output = agent.output().to_owned();
        wait_until(PATIENCE, "the agent to open its output", || {
            ensure!(agent.process().ended()?.is_none(), "the agent ended");
            Ok(output.exists().then_some(()))
        })?;
        let stopped = agent.stop_by(&[Signal::SIGINT])?;
        assert!(stopped.status.success(), "{stopped:?}");
        shown("Real traffic", "Ctrl-C at the start", Way::Live, "in order");
        Ok(())
    })
}

fn under_load(signals: &[Signal], case: &str) -> Result<()> {
    in_a_lab(|lab| {
        slow_down(lab)?;
        let capture = Capture::start(lab)?;
        let agent = Agent::start(lab, &[])?;
        // It rests while the others are busy.
        let client = [Send(5_000), Receive(7_000), Meet, Meet, Close];
        let remote = [Receive(5_000), Send(7_000), Meet, Meet, ReceiveToEnd];
        let resting = Conversation::new(lab, Ns::Client2, Family::V4);
        let (rested, stopped) =
            resting.run_with(&client, &remote, || stop_in_the_middle(lab, agent, signals))?;
        let (stopped, stopped_ns) = stopped?;
        assert!(stopped.status.success(), "{:?}", stopped.status);
        assert!(!stopped.log.contains("WARN"), "{}", stopped.log);
        let mut records = agent::closing(&stopped.records)?;
        check_against(&records, &capture.stop(lab)?, stopped_ns)?;
        records.retain(|record| record.client == rested.client.local);
        assert_equal(&[rested.truth("resting", &["agent-stop"])], &records);
        shown("Real traffic", case, Way::Live, "exact");
        Ok(())
    })
}

/// So that a capture is not too large. Each packet is one of the wire.
fn slow_down(lab: &Lab) -> Result<()> {
    device::send_segments_one_by_one(lab)?;
    for host in [Ns::Client1, Ns::Client2, Ns::Remote] {
        lab.run(
            host,
            "tc qdisc add dev eth0 root tbf rate 30mbit burst 32k latency 50ms",
        )?;
    }
    Ok(())
}

/// Also returns when the first signal was sent, in nanoseconds since 1970.
fn stop_in_the_middle(lab: &Lab, agent: Agent, signals: &[Signal]) -> Result<(Stopped, u128)> {
    let is_over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let loads: Vec<_> = Ns::CLIENTS
            .into_iter()
            .flat_map(|client| FAMILIES.map(|family| (client, family)))
            .map(|(client, family)| scope.spawn(move || load(lab, client, family, is_over)))
            .collect();
        let stopped = stop_after_packets(lab, agent, signals);
        is_over.store(true, Ordering::Relaxed);
        for load in loads {
            load.join().expect("the thread of a load")?;
        }
        stopped
    })
}

fn stop_after_packets(lab: &Lab, agent: Agent, signals: &[Signal]) -> Result<(Stopped, u128)> {
    let packets = || statistic(lab, Ns::Gateway, "br0", "rx_packets");
    let before = packets()?;
    wait_until(PATIENCE, "the load", || {
        Ok((packets()? - before > IN_THE_MIDDLE).then_some(()))
    })?;
    let stopped_ns = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    Ok((agent.stop_by(signals)?, stopped_ns))
}

/// A long upload and a long download, and short connections all the time.
fn load(lab: &Lab, client: Ns, family: Family, is_over: &AtomicBool) -> Result<()> {
    let listener = held::listen(lab, family)?;
    let mut up = held::open(lab, client, &listener, 1)?;
    let mut down = held::open(lab, client, &listener, 1)?;
    std::thread::scope(|scope| {
        let up = scope.spawn(|| up[0].upload_until(is_over));
        let down = scope.spawn(|| down[0].download_until(is_over));
        let conversation = Conversation::new(lab, client, family);
        while !up.is_finished() {
            let client = [Send(100), ReceiveToEnd];
            let remote = [Receive(100), Send(2_000), Close];
            conversation.run(&client, &remote)?;
        }
        for long in [up, down] {
            long.join().expect("the thread of a transfer")?;
        }
        Ok(())
    })
}

/// Each connection that began before the stop has one record, with the packets of
/// both ways in the order of the capture up to some moment after it, or with all
/// but those that were on the way.
fn check_against(records: &[Record], capture: &[Seen], stopped_ns: u128) -> Result<()> {
    let mut by_way = BTreeMap::<_, Vec<&Seen>>::new();
    for segment in capture {
        let way = (segment.source, segment.destination);
        by_way.entry(way).or_default().push(segment);
    }
    let mut cut_short = 0;
    for record in records {
        let (client, remote) = (record.client, record.remote);
        let sent = by_way.remove(&(client, remote)).unwrap_or_default();
        let received = by_way.remove(&(remote, client)).unwrap_or_default();
        check_way(record.volume_sent, record.sent, &sent, stopped_ns)?;
        check_way(
            record.volume_received,
            record.received,
            &received,
            stopped_ns,
        )?;
        let counted = record.volume_sent.packets + record.volume_received.packets;
        let went_on = counted < (sent.len() + received.len()) as u64;
        cut_short += usize::from(went_on && record.reason == "agent-stop");
    }
    assert!(cut_short >= LONG_ONES, "{cut_short} went on after the stop");
    let forgotten: Vec<(SocketAddr, SocketAddr)> = by_way
        .into_iter()
        .filter(|(_, segments)| is_due(segments[0], stopped_ns))
        .map(|(way, _)| way)
        .collect();
    assert!(forgotten.is_empty(), "without a record: {forgotten:?}");
    Ok(())
}

fn check_way(volume: Volume, payload: u64, segments: &[&Seen], stopped_ns: u128) -> Result<()> {
    let count = usize::try_from(volume.packets)?;
    ensure!(count <= segments.len(), "{count} of {}", segments.len());
    let (counted, later) = segments.split_at(count);
    let sum = |what: fn(&Seen) -> u64| counted.iter().map(|segment| what(segment)).sum::<u64>();
    let captured = (
        sum(|segment| segment.ip_bytes),
        sum(|segment| segment.payload),
    );
    assert_eq!((volume.ip_bytes, payload), captured);
    let missed = later.iter().find(|segment| is_due(segment, stopped_ns));
    assert_eq!(missed, None, "before the stop, and not counted");
    Ok(())
}

/// Whether an agent that was stopped then must have counted it.
fn is_due(segment: &Seen, stopped_ns: u128) -> bool {
    segment.time_ns + ON_THE_WAY_NS < stopped_ns
}
