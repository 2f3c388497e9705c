//! One client port for several connections, at once and one after the other:
//! a record each, and no byte in another's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::socket;
use nat_acct_tests::truth::{Record, assert_equal};
use nat_acct_tests::{Agent, Count, Family, Lab, Ns, Random, Truth, agent, in_a_lab};

use Step::{Close, Meet, Receive, ReceiveToEnd, Reset, Send};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
const SOON: Duration = Duration::from_secs(30);
const CLIENT_PORT: u16 = 40_001;
const REMOTE_PORT: u16 = 5_001;
const ROUNDS: usize = 25;

#[test]
fn one_port_leads_to_two_ports_of_the_remote_at_once() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let agent = Agent::start(lab, &[])?;
        let mut truths = Vec::new();
        for family in FAMILIES {
            let to = |port| conversation(lab, family).remote_port(port);
            truths.extend(both_at_once(&to(5_001), &to(5_002), &mut random)?);
        }
        assert_equal(&truths, &finish(agent, truths.len())?);
        Ok(())
    })
}

#[test]
fn one_port_leads_to_two_remotes_at_once() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let second = IpAddr::from(Ipv4Addr::new(203, 0, 113, 81));
        lab.run(Ns::Remote, &format!("ip address add {second}/24 dev eth0"))?;
        let agent = Agent::start(lab, &[])?;
        let first = conversation(lab, Family::V4).remote_port(REMOTE_PORT);
        let other = conversation(lab, Family::V4)
            .remote_port(REMOTE_PORT)
            .remote_address(second);
        let truths = both_at_once(&first, &other, &mut random)?;
        assert_equal(&truths, &finish(agent, truths.len())?);
        Ok(())
    })
}

/// The second conversation takes place in the middle of the first.
fn both_at_once(
    first: &Conversation<'_>,
    second: &Conversation<'_>,
    random: &mut Random,
) -> Result<[Truth; 2]> {
    let mut size = || random.size(200_000);
    let (up, down, later) = (size(), size(), size());
    let (second_up, second_down) = (size(), size());
    let (one, other) = first.run_with(
        &[Send(up), Receive(down), Meet, Meet, Send(later), Close],
        &[Receive(up), Send(down), Meet, Meet, ReceiveToEnd],
        || {
            second.run(
                &[Send(second_up), ReceiveToEnd],
                &[Receive(second_up), Send(second_down), Close],
            )
        },
    )?;
    let truths = [
        one.truth("first", &["fin"]),
        other?.truth("second", &["fin"]),
    ];
    assert_eq!(truths[0].client_port, truths[1].client_port);
    Ok(truths)
}

#[test]
fn again_right_after_rst() -> Result<()> {
    in_a_row(
        |round, up, down| {
            let (client, remote) = if round % 2 == 0 {
                (vec![Reset, Meet], vec![Meet, ReceiveToEnd])
            } else {
                (vec![Meet, ReceiveToEnd], vec![Reset, Meet])
            };
            let client = [vec![Send(up), Receive(down), Meet], client].concat();
            let remote = [vec![Receive(up), Send(down), Meet], remote].concat();
            (client, remote)
        },
        "rst",
    )
}

#[test]
fn again_right_after_fin() -> Result<()> {
    // The server closes first: the time of waiting (TIME_WAIT) is on its side,
    // and the client's port is free.
    in_a_row(
        |_, up, down| {
            (
                vec![Send(up), ReceiveToEnd, Close],
                vec![Receive(up), Send(down), Close],
            )
        },
        "fin",
    )
}

/// Many conversations on the same 4-tuple, one right after the other.
fn in_a_row(
    scripts: impl Fn(usize, u64, u64) -> (Vec<Step>, Vec<Step>),
    reason: &'static str,
) -> Result<()> {
    let reasons: &'static [&'static str] = match reason {
        "rst" => &["rst"],
        _ => &["fin"],
    };
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let agent = Agent::start(lab, &[])?;
        let mut truths = Vec::new();
        for round in 0..ROUNDS {
            for family in FAMILIES {
                let (up, down) = (random.size(100_000), random.size(100_000));
                let (client, remote) = scripts(round, up, down);
                // Its FIN may have to be sent again.
                socket::wait_closed(lab, Ns::Client1, CLIENT_PORT)?;
                let done = conversation(lab, family)
                    .remote_port(REMOTE_PORT)
                    .run(&client, &remote)?;
                truths.push(done.truth("again", reasons));
            }
        }
        let records = finish(agent, truths.len())?;
        assert_equal(&truths, &records);
        Ok(())
    })
}

#[test]
fn again_after_both_sides_lost_it() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        // As if both hosts had been switched off: nobody hears of the end.
        for host in [Ns::Client1, Ns::Remote] {
            lab.nft(
                host,
                "add table inet loss\n\
                 add chain inet loss output { type filter hook output priority 0; }\n\
                 add rule inet loss output tcp flags & rst == rst drop",
            )?;
        }
        let agent = Agent::start(lab, &[])?;
        let mut truths = Vec::new();
        for round in 1..=ROUNDS {
            for family in FAMILIES {
                let (up, down) = (random.size(100_000), random.size(100_000));
                let truth = lose(lab, family, up, down)?;
                let reasons: &'static [&'static str] = if round == ROUNDS {
                    &["agent-stop"]
                } else {
                    &["reused"]
                };
                truths.push(Truth { reasons, ..truth });
            }
        }
        agent.wait_for_records(truths.len() - FAMILIES.len(), SOON)?;
        let stopped = agent.stop()?;
        assert_equal(&truths, &in_order(agent::closing(&stopped.records)?));
        Ok(())
    })
}

/// A conversation after which both sides forget the connection.
fn lose(lab: &Lab, family: Family, up: u64, down: u64) -> Result<Truth> {
    let done = conversation(lab, family).remote_port(REMOTE_PORT).run(
        &[Send(up), Receive(down), Meet, Reset],
        &[Receive(up), Send(down), Meet, Reset],
    )?;
    let truth = done.truth("lost", &[]);
    assert_eq!(truth.sent, Count::Exact(up));
    assert_eq!(truth.received, Count::Exact(down));
    Ok(truth)
}

fn conversation(lab: &Lab, family: Family) -> Conversation<'_> {
    Conversation::new(lab, Ns::Client1, family).client_port(CLIENT_PORT)
}

fn finish(agent: Agent, count: usize) -> Result<Vec<Record>> {
    agent.wait_for_records(count, SOON)?;
    let stopped = agent.stop()?;
    assert!(stopped.status.success(), "{}", stopped.log);
    Ok(in_order(agent::closing(&stopped.records)?))
}

/// Records come in the order of the ends; of connections with the same
/// addresses and ports, the order of the beginnings tells which is which.
fn in_order(mut records: Vec<Record>) -> Vec<Record> {
    let key = |record: &Record| -> (SocketAddr, String) { (record.client, record.start.clone()) };
    records.sort_by_key(key);
    records
}
