//! Every way in which a connection ends, or fails to begin: the right reason,
//! the right translated address, and exact payload both ways.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use nat_acct_tests::traffic::connect;
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::{Record, Wire, assert_equal, record_of};
use nat_acct_tests::{
    Agent, Count, Family, Lab, Ns, Random, Truth, agent, in_a_lab, lab, wait_until,
};

use Step::{
    AwaitData, Close, Meet, Receive, ReceiveToEnd, Reset, Send, SendWithFin, ShutdownWrite,
};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
const SOON: Duration = Duration::from_secs(30);
const ROUNDS: usize = 4;

/// A way to end, with both scripts.
struct Case {
    label: &'static str,
    client: Vec<Step>,
    remote: Vec<Step>,
    reasons: &'static [&'static str],
    /// What is known better than by the sockets, whose counts a reset cuts off.
    sent: Option<u64>,
}

#[test]
fn the_endpoints_end_it() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let agent = Agent::start(lab, &[])?;
        let before = now(lab)?;
        let truths = converse_everywhere(lab, &mut random, endings)?;
        let records = finish(agent, truths.len())?;
        let after = now(lab)?;
        assert_equal(&truths, &records);
        for record in &records {
            assert_eq!(record.matched, "sequence", "{record:?}");
            assert!(!record.inbound, "{record:?}");
            let times = [&before, &record.start, &record.end, &after];
            assert!(times.is_sorted(), "{times:?}");
        }
        Ok(())
    })
}

fn endings(random: &mut Random) -> Vec<Case> {
    let mut size = || random.size(300_000);
    let (up, down, more) = (size(), size(), size());
    // Both at once: what no window holds would block both.
    let (early_up, early_down) = (random.size(20_000), random.size(20_000));
    let short = 1 + random.below(1_000);
    let case = |label, client: &[Step], remote: &[Step], reason| Case {
        label,
        client: client.to_vec(),
        remote: remote.to_vec(),
        reasons: reason,
        sent: None,
    };
    vec![
        case(
            "the server closes first",
            &[Send(up), ReceiveToEnd, Close],
            &[Receive(up), Send(down), Close],
            &["fin"],
        ),
        case(
            "the client closes first",
            &[Send(up), Receive(down), Close],
            &[Receive(up), Send(down), ReceiveToEnd],
            &["fin"],
        ),
        case(
            "half-close by the client, data following",
            &[Send(early_up), ShutdownWrite, ReceiveToEnd],
            &[Send(early_down), ReceiveToEnd, Send(more), Close],
            &["fin"],
        ),
        case(
            "half-close by the server, data following",
            &[Send(early_up), ReceiveToEnd, Send(more), Close],
            &[Send(early_down), ShutdownWrite, ReceiveToEnd],
            &["fin"],
        ),
        case(
            "both FINs carry data",
            &[SendWithFin(early_up), ReceiveToEnd],
            &[SendWithFin(early_down), ReceiveToEnd],
            &["fin"],
        ),
        case(
            "both close at once",
            &[Send(up), Receive(down), Meet, Close],
            &[Receive(up), Send(down), Meet, Close],
            &["fin"],
        ),
        case(
            "to and fro",
            &[
                Send(up),
                Receive(down),
                Send(more),
                Receive(short),
                Send(early_up),
            ],
            &[
                Receive(up),
                Send(down),
                Receive(more),
                Send(short),
                ReceiveToEnd,
            ],
            &["fin"],
        ),
        case("nothing is said", &[ReceiveToEnd], &[Close], &["fin"]),
        case(
            "RST by the client",
            &[Send(up), Receive(down), Meet, Reset, Meet],
            &[Receive(up), Send(down), Meet, Meet, ReceiveToEnd],
            &["rst"],
        ),
        case(
            "RST by the server",
            &[Send(up), Receive(down), Meet, Meet, ReceiveToEnd],
            &[Receive(up), Send(down), Meet, Reset, Meet],
            &["rst"],
        ),
        case(
            "RST by the server after the client's FIN",
            &[
                Send(up),
                ShutdownWrite,
                Receive(down),
                Meet,
                Meet,
                ReceiveToEnd,
            ],
            &[ReceiveToEnd, Send(down), Meet, Reset, Meet],
            &["rst"],
        ),
        case(
            "RST at once",
            &[Meet, Reset, Meet],
            &[Meet, Meet, ReceiveToEnd],
            &["rst"],
        ),
        Case {
            sent: Some(short),
            ..case(
                "the server closes with data unread",
                &[Send(short), ReceiveToEnd],
                &[AwaitData, Close],
                &["rst"],
            )
        },
    ]
}

#[test]
fn the_first_fin_ends_it_where_it_is_to() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let agent = Agent::start(lab, &["--close-on", "first-fin"])?;
        let mut truths = Vec::new();
        for family in FAMILIES {
            for (client, remote, sent, received) in first_fins(&mut random) {
                let done = Conversation::new(lab, Ns::Client1, family).run(&client, &remote)?;
                truths.push(Truth {
                    sent: Count::Exact(sent),
                    received: Count::Exact(received),
                    ..done.truth("first FIN", &["fin", "rst"])
                });
            }
        }
        let records = finish(agent, truths.len())?;
        assert_equal(&truths, &records);
        let reset: Vec<_> = records.iter().filter(|r| r.reason == "rst").collect();
        assert_eq!(
            reset.len(),
            FAMILIES.len(),
            "one case of each family: {reset:#?}"
        );
        Ok(())
    })
}

/// Both scripts, and what each side has sent when the first FIN comes. One that is sent on another processor
/// than data before it may come earlier: so what is to be counted has arrived before.
fn first_fins(random: &mut Random) -> Vec<(Vec<Step>, Vec<Step>, u64, u64)> {
    let mut size = || random.size(100_000);
    let (up, down, more) = (size(), size(), 1 + size());
    vec![
        (
            vec![Receive(down), Send(up), Meet, ShutdownWrite, ReceiveToEnd],
            vec![
                Send(down),
                Receive(up),
                Meet,
                ReceiveToEnd,
                Send(more),
                Close,
            ],
            up,
            down,
        ),
        (
            vec![
                Send(up),
                Receive(down),
                Meet,
                ReceiveToEnd,
                Send(more),
                Close,
            ],
            vec![Receive(up), Send(down), Meet, ShutdownWrite, ReceiveToEnd],
            up,
            down,
        ),
        (
            vec![
                Send(up),
                Receive(down),
                Meet,
                SendWithFin(700),
                ReceiveToEnd,
            ],
            vec![Receive(up), Send(down), Meet, ReceiveToEnd, Close],
            up + 700,
            down,
        ),
        (
            vec![Send(up), Receive(down), Meet, Reset, Meet],
            vec![Receive(up), Send(down), Meet, Meet, ReceiveToEnd],
            up,
            down,
        ),
    ]
}

#[test]
fn the_remote_opened_it_through_a_port_forward() -> Result<()> {
    const FORWARDED: u16 = 8022;
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        lab.forward_port(FORWARDED, Ns::Client1, 22)?;
        let agent = Agent::start(lab, &[])?;
        let mut truths = Vec::new();
        for family in FAMILIES {
            for case in endings(&mut random) {
                let done = Conversation::new(lab, Ns::Client1, family)
                    .client_port(22)
                    .inbound(FORWARDED)
                    .run(&case.client, &case.remote)?;
                truths.push(case.truth(done.truth(case.label, case.reasons)));
            }
        }
        let records = finish(agent, truths.len())?;
        assert_equal(&truths, &records);
        for record in &records {
            assert!(record.inbound, "{record:?}");
            assert_eq!(record.matched, "sequence", "{record:?}");
        }
        Ok(())
    })
}

/// An opening that does not become a connection, and what its record says.
struct Opening {
    port: u16,
    waits: Duration,
    outcome: ErrorKind,
    reason: &'static str,
    matched: &'static str,
}

const OPENINGS: [Opening; 5] = [
    Opening {
        port: 11,
        waits: SOON,
        outcome: ErrorKind::ConnectionRefused,
        reason: "rst",
        matched: "sequence",
    },
    Opening {
        port: 12,
        waits: Duration::from_millis(300),
        outcome: ErrorKind::TimedOut,
        reason: "unanswered",
        matched: "sequence",
    },
    // Long enough for the kernel to send the SYN again, after a second.
    Opening {
        port: 13,
        waits: Duration::from_millis(1_500),
        outcome: ErrorKind::TimedOut,
        reason: "unanswered",
        matched: "sequence",
    },
    Opening {
        port: 14,
        waits: Duration::from_millis(300),
        outcome: ErrorKind::TimedOut,
        reason: "unanswered",
        matched: "blocked",
    },
    Opening {
        port: 15,
        waits: SOON,
        outcome: ErrorKind::ConnectionRefused,
        reason: "rst",
        matched: "blocked",
    },
];

#[test]
fn nobody_answers() -> Result<()> {
    in_a_lab(|lab| {
        let wire = Wire::count(lab, Ns::Remote)?;
        lab.leave_bridge_to_itself();
        lab.nft(
            Ns::Remote,
            "add rule inet wire input tcp dport { 12, 13 } drop",
        )?;
        lab.nft(
            Ns::Gateway,
            "add rule inet lab forward tcp dport 14 drop\n\
             add rule inet lab forward tcp dport 15 reject with tcp reset",
        )?;
        let agent = Agent::start(lab, &["--opening-timeout", "2s"])?;
        let mut expected = Vec::new();
        for family in FAMILIES {
            for opening in &OPENINGS {
                expected.push((opening, open(lab, &wire, family, opening)?));
            }
        }
        let records = finish(agent, expected.len())?;
        assert_eq!(records.len(), expected.len(), "{records:#?}");
        for (opening, (local, remote, translated)) in expected {
            let record = record_of(&records, local, remote);
            let said = (record.reason.as_str(), record.matched.as_str());
            assert_eq!(said, (opening.reason, opening.matched), "{record:#?}");
            assert_eq!(record.translated, translated, "{record:#?}");
            assert_eq!((record.sent, record.received), (0, 0), "{record:#?}");
            assert!(!record.partial, "{record:#?}");
        }
        Ok(())
    })
}

/// Tries to open; the client's address, the remote's, and the translated one if
/// the SYN got through to the remote.
fn open(
    lab: &Lab,
    wire: &Wire<'_>,
    family: Family,
    opening: &Opening,
) -> Result<(SocketAddr, SocketAddr, Option<SocketAddr>)> {
    let remote = (Ns::Remote.address(family), opening.port).into();
    let before = wire.openers(opening.port)?;
    let attempt = connect::attempt(lab, Ns::Client2, 0, remote, opening.waits)?;
    let outcome = attempt.outcome.map_err(|error| error.kind());
    assert_eq!(
        outcome.err(),
        Some(opening.outcome),
        "port {}",
        opening.port
    );
    let after = wire.openers(opening.port)?;
    let mut new = after.into_iter().filter(|port| !before.contains(port));
    let translated = new
        .next()
        .map(|port| (lab::translated(family), port).into());
    assert_eq!(new.next(), None, "one opening has one translated port");
    Ok((attempt.local, remote, translated))
}

#[test]
fn the_gateway_itself_answers() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let agent = Agent::start(lab, &[])?;
        let mut expected = Vec::new();
        for family in FAMILIES {
            let (up, down) = (random.size(100_000), random.size(100_000));
            let done = Conversation::new(lab, Ns::Client1, family)
                .with(Ns::Gateway)
                .run(&[Send(up), ReceiveToEnd], &[Receive(up), Send(down), Close])?;
            expected.push((done.client.local, done.remote.local, up, down));
        }
        let records = finish(agent, expected.len())?;
        assert_eq!(records.len(), expected.len(), "{records:#?}");
        for (client, remote, up, down) in expected {
            let record = record_of(&records, client, remote);
            assert_eq!(record.matched, "local", "{record:#?}");
            assert_eq!(record.reason, "fin", "{record:#?}");
            assert_eq!(record.translated, None, "{record:#?}");
            let counted = (record.stream_sent(), record.stream_received());
            assert_eq!(counted, (up, down), "{record:#?}");
        }
        Ok(())
    })
}

#[test]
fn silence_ends_it() -> Result<()> {
    // Longer than a thread waits for its turn.
    const TIMEOUTS: [&str; 4] = ["--idle-timeout", "6s", "--closing-timeout", "6s"];
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let agent = &Agent::start(lab, &TIMEOUTS)?;
        let mut cases = Vec::new();
        for family in FAMILIES {
            for _ in 0..ROUNDS {
                cases.extend(silences(&mut random).map(|case| (family, case)));
            }
        }
        // All at once: waiting is what takes time.
        let truths = std::thread::scope(|scope| {
            let threads: Vec<_> = (42_000..)
                .zip(&cases)
                .map(|(port, (family, case))| {
                    scope.spawn(move || {
                        let client = Conversation::new(lab, Ns::Client2, *family);
                        fall_silent(&client.client_port(port), agent, port, case)
                    })
                })
                .collect();
            let truths = threads
                .into_iter()
                .map(|thread| thread.join().expect("the thread of a case"));
            truths.collect::<Result<Vec<_>>>()
        })?;
        // What the sockets said when they closed at last is nobody's.
        let records = agent::closing(&agent.records()?)?;
        assert_equal(&truths, &records);
        Ok(())
    })
}

#[test]
fn silence_after_a_slow_handshake_ends_it() -> Result<()> {
    const SLOW_PORT: u16 = 5_003;
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let wire = Wire::count(lab, Ns::Remote)?;
        let agent = &Agent::start(lab, &["--idle-timeout", "2s"])?;
        let [idle, ..] = silences(&mut random);
        let conversation = Conversation::new(lab, Ns::Client1, Family::V4)
            .client_port(43_000)
            .remote_port(SLOW_PORT);
        lab.nft(
            Ns::Remote,
            &format!(
                "add chain inet wire slow {{ type filter hook input priority 0; }}\n\
                 add rule inet wire slow tcp dport {SLOW_PORT} drop"
            ),
        )?;
        // The remote takes no more than the second SYN, a second later.
        let truth = std::thread::scope(|scope| {
            let silent = scope.spawn(|| fall_silent(&conversation, agent, 43_000, &idle));
            wait_until(SOON, "the first SYN", || {
                Ok((!wire.openers(SLOW_PORT)?.is_empty()).then_some(()))
            })?;
            lab.nft(Ns::Remote, "flush chain inet wire slow")?;
            silent.join().expect("the thread of the conversation")
        })?;
        assert_equal(&[truth], &agent::closing(&agent.records()?)?);
        Ok(())
    })
}

fn silences(random: &mut Random) -> [Case; 3] {
    let mut size = || 1 + random.size(50_000);
    let (up, down) = (size(), size());
    let case = |label, client: &[Step], remote: &[Step], reasons| Case {
        label,
        client: client.to_vec(),
        remote: remote.to_vec(),
        reasons,
        sent: None,
    };
    [
        case(
            "nobody says anything any more",
            &[Send(up), Receive(down), Meet, Meet],
            &[Receive(up), Send(down), Meet, Meet],
            &["idle"],
        ),
        case(
            "the client's FIN, then silence",
            &[Send(up), ShutdownWrite, Receive(down), Meet, Meet],
            &[ReceiveToEnd, Send(down), Meet, Meet],
            &["closing"],
        ),
        case(
            "the server's FIN, then silence",
            &[Send(up), ReceiveToEnd, Meet, Meet],
            &[Send(down), ShutdownWrite, Receive(up), Meet, Meet],
            &["closing"],
        ),
    ]
}

/// Plays the case, and keeps both sockets until the record is there.
fn fall_silent(
    conversation: &Conversation<'_>,
    agent: &Agent,
    port: u16,
    case: &Case,
) -> Result<Truth> {
    let (done, recorded) = conversation.run_with(&case.client, &case.remote, || {
        wait_until(SOON, &format!("the record: {}", case.label), || {
            let records = agent::closing(&agent.records()?)?;
            let own = records.iter().any(|record| record.client.port() == port);
            Ok(own.then_some(()))
        })
    })?;
    recorded?;
    Ok(done.truth(case.label, case.reasons))
}

#[test]
fn the_agent_stops() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        for (family, extra) in [(Family::V4, 0), (Family::V6, 1)] {
            let (up, down) = (random.size(50_000) + extra, random.size(50_000) + extra);
            let agent = Agent::start(lab, &[])?;
            let (done, stopped) = Conversation::new(lab, Ns::Client1, family).run_with(
                &[Send(up), Receive(down), Meet, Meet, Send(up)],
                &[Receive(up), Send(down), Meet, Meet, ReceiveToEnd],
                || agent.stop(),
            )?;
            let stopped = stopped?;
            assert!(stopped.status.success(), "{}", stopped.log);
            let truth = Truth {
                sent: Count::Exact(up),
                received: Count::Exact(down),
                ..done.truth("agent-stop", &["agent-stop"])
            };
            assert_equal(&[truth], &agent::closing(&stopped.records)?);
        }
        Ok(())
    })
}

impl Case {
    fn truth(&self, truth: Truth) -> Truth {
        Truth {
            sent: self.sent.map_or(truth.sent, Count::Exact),
            ..truth
        }
    }
}

/// Plays all cases from both clients by both protocols, side by side.
fn converse_everywhere(
    lab: &Lab,
    random: &mut Random,
    cases: fn(&mut Random) -> Vec<Case>,
) -> Result<Vec<Truth>> {
    let mut lanes = Vec::new();
    for client in Ns::CLIENTS {
        for family in FAMILIES {
            let cases: Vec<_> = (0..ROUNDS).flat_map(|_| cases(random)).collect();
            lanes.push((client, family, cases));
        }
    }
    std::thread::scope(|scope| {
        let lanes: Vec<_> = lanes
            .iter()
            .map(|(client, family, cases)| {
                scope.spawn(|| -> Result<Vec<Truth>> {
                    let play = |case: &Case| {
                        let done = Conversation::new(lab, *client, *family)
                            .run(&case.client, &case.remote)
                            .context(case.label)?;
                        Ok(case.truth(done.truth(case.label, case.reasons)))
                    };
                    cases.iter().map(play).collect()
                })
            })
            .collect();
        let mut truths = Vec::new();
        for lane in lanes {
            truths.extend(lane.join().expect("the thread of a lane")?);
        }
        Ok(truths)
    })
}

/// Waits for so many records, stops the agent, and returns all there are.
fn finish(agent: Agent, count: usize) -> Result<Vec<Record>> {
    agent.wait_for_records(count, SOON)?;
    let stopped = agent.stop()?;
    assert!(stopped.status.success(), "{}", stopped.log);
    agent::closing(&stopped.records)
}

/// The time as records write it, by the clock of the machine.
fn now(lab: &Lab) -> Result<String> {
    Ok(lab
        .run(Ns::Remote, "date -u +%Y-%m-%dT%H:%M:%S.%NZ")?
        .trim()
        .to_owned())
}
