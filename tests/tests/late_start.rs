//! An agent that starts while connections are open: they get no record, what is
//! seen of them is counted and told once, and what is opened later is exact.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::device;
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::socket;
use nat_acct_tests::truth::{Capture, assert_equal};
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab, wait_until};

use Step::{Close, Meet, Receive, ReceiveToEnd, Send};

const SOON: Duration = Duration::from_secs(30);
const CLIENT_PORT: u16 = 41_000;
const REMOTE_PORT: u16 = 5_001;
/// Payload of the older connection before the agent starts, and after it.
const BEFORE: u64 = 100_000;
const UP: u64 = 3_000_000;
const DOWN: u64 = 2_000_000;

#[test]
fn what_was_open_is_told_when_it_is_over() -> Result<()> {
    in_a_lab(|lab| {
        let (agent, passed) = start_late(lab, Family::V4)?;
        wait_until(SOON, "the log to tell of the older connection", || {
            Ok((told(&agent.log())? == passed).then_some(()))
        })?;
        let young = Conversation::new(lab, Ns::Client1, Family::V4)
            .run(&[Send(UP), ReceiveToEnd], &[Receive(UP), Send(DOWN), Close])?;
        agent.wait_for_records(1, SOON)?;
        let stopped = agent.stop()?;
        assert_eq!(told(&stopped.log)?, passed, "{}", stopped.log);
        let truth = young.truth("opened later", &["fin"]);
        assert_equal(&[truth], &agent::closing(&stopped.records)?);
        shown("Real traffic", "agent started late", Way::Live, "told");
        Ok(())
    })
}

#[test]
fn what_was_open_is_told_when_the_agent_stops() -> Result<()> {
    in_a_lab(|lab| {
        let (agent, passed) = start_late(lab, Family::V6)?;
        let stopped = agent.stop()?;
        assert_eq!(told(&stopped.log)?, passed, "{}", stopped.log);
        assert!(stopped.records.is_empty(), "{:#?}", stopped.records);
        Ok(())
    })
}

/// Starts an agent in the middle of a connection. When that has ended: the agent,
/// and the packets and the payload that passed the inside interface meanwhile.
fn start_late(lab: &Lab, family: Family) -> Result<(Agent, (u64, u64))> {
    device::send_segments_one_by_one(lab)?;
    let client = [Send(BEFORE), Meet, Meet, Send(UP), Receive(DOWN), Close];
    let remote = [
        Receive(BEFORE),
        Meet,
        Meet,
        Receive(UP),
        Send(DOWN),
        ReceiveToEnd,
    ];
    let old = Conversation::new(lab, Ns::Client1, family)
        .client_port(CLIENT_PORT)
        .remote_port(REMOTE_PORT);
    let (_, late) = old.run_with(&client, &remote, || {
        socket::wait_acknowledged(lab, Ns::Client1, CLIENT_PORT)?;
        let capture = Capture::start(lab)?;
        anyhow::Ok((Agent::start(lab, &[])?, capture))
    })?;
    let (agent, capture) = late?;
    socket::wait_closed(lab, Ns::Client1, CLIENT_PORT)?;
    socket::wait_closed(lab, Ns::Remote, REMOTE_PORT)?;
    let segments = capture.stop(lab)?;
    let payload: u64 = segments.iter().map(|segment| segment.payload).sum();
    ensure!(payload >= UP + DOWN, "the capture is not whole: {payload}");
    Ok((agent, (segments.len() as u64, payload)))
}

/// Packets and payload of all lines that tell of segments in no record: one line, if the connection never
/// paused.
fn told(log: &str) -> Result<(u64, u64)> {
    let lines = log
        .lines()
        .filter(|line| line.contains("unknown_connection"));
    let number = |line: &str, name: &str| -> Result<u64> {
        let value = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name));
        value
            .and_then(|value| value.parse().ok())
            .with_context(|| format!("{name} in {line}"))
    };
    let (mut packets, mut payload) = (0, 0);
    for line in lines {
        ensure!(line.contains(" INFO "), "{line}");
        packets += number(line, "packets=")?;
        payload += number(line, "payload_bytes=")?;
    }
    Ok((packets, payload))
}
