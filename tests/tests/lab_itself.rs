//! The lab without the agent: its servers serve, its two ends agree, and its
//! gateway translates to other ports.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::translated;
use nat_acct_tests::server::{HalfClose, Iperf3, Nginx, Sshd};
use nat_acct_tests::traffic::conversation::{Conversation, Ending, Step};
use nat_acct_tests::traffic::{connect, curl, half_close, http, iperf3, scp};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Count, Family, Lab, Ns, Truth, require_root};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn curl_and_nginx_agree() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        for family in FAMILIES {
            exact(&curl::upload(lab, &nginx, Ns::Client2, family, 3_000_000)?);
            for port in [Nginx::KEEPALIVE, Nginx::ONE_SHOT] {
                exact(&curl::fetch(
                    lab,
                    &nginx,
                    Ns::Client1,
                    family,
                    port,
                    100_000,
                )?);
            }
        }
        Ok(())
    })
}

#[test]
fn many_short_connections_are_told_apart() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let wanted = http::Fetches {
            client: Ns::Client2,
            family: Family::V4,
            path: nginx.publish(1_000)?,
            port: Nginx::KEEPALIVE,
            connections: 500,
            at_once: 25,
        };
        let truths = http::fetch_many(lab, &nginx, &wanted)?;
        truths.iter().for_each(exact);
        assert_eq!(truths.len(), wanted.connections);
        let same = truths
            .iter()
            .filter(|truth| truth.client_port == truth.translated_port)
            .count();
        assert!(
            same < 10,
            "{same} of 500 translated to the client's own port"
        );
        Ok(())
    })
}

#[test]
fn scp_copies() -> Result<()> {
    in_a_lab(|lab| {
        let sshd = Sshd::start(lab)?;
        for (client, family) in Ns::CLIENTS.into_iter().zip(FAMILIES) {
            exact(&scp::upload(lab, &sshd, client, family, 300_000)?);
        }
        Ok(())
    })
}

#[test]
fn iperf3_counts_its_streams() -> Result<()> {
    in_a_lab(|lab| {
        for direction in [iperf3::Direction::Upload, iperf3::Direction::Download] {
            // One that has served a test does not listen for a moment.
            let server = Iperf3::start(lab, Iperf3::PORT)?;
            let test = iperf3::Test {
                client: Ns::Client1,
                family: Family::V4,
                direction,
                streams: 2,
                amount: "-n 32M",
            };
            let truths = iperf3::run(lab, &server, &test)?;
            assert_eq!(truths.len(), 3, "two streams and the control connection");
            assert!(
                truths
                    .iter()
                    .all(|truth| truth.translated_port.is_some() == truth.client_port.is_some())
            );
        }
        Ok(())
    })
}

#[test]
fn socat_answers_after_the_half_close() -> Result<()> {
    in_a_lab(|lab| {
        let server = HalfClose::start(lab, 200_000)?;
        for family in FAMILIES {
            exact(&half_close::transfer(
                lab,
                &server,
                Ns::Client2,
                family,
                50_000,
            )?);
        }
        Ok(())
    })
}

#[test]
fn a_conversation_ends_as_its_scripts_say() -> Result<()> {
    use Step::{Close, Meet, Receive, ReceiveToEnd, Reset, Send, SendWithFin, ShutdownWrite};
    in_a_lab(|lab| {
        for family in FAMILIES {
            let conversation = Conversation::new(lab, Ns::Client1, family);
            let half_close = conversation.run(
                &[Send(500), ShutdownWrite, ReceiveToEnd],
                &[ReceiveToEnd, Send(90_000), Close],
            )?;
            exact(&half_close.truth("half-close", &["fin"]));
            assert_eq!(
                (half_close.client.sent, half_close.client.received),
                (500, 90_000)
            );
            let with_fin = conversation.run(&[SendWithFin(700), ReceiveToEnd], &[ReceiveToEnd])?;
            exact(&with_fin.truth("FIN with data", &["fin"]));
            let reset = conversation.run(
                &[Send(10), Meet, Reset, Meet],
                &[Receive(10), Meet, Meet, ReceiveToEnd],
            )?;
            assert_eq!(reset.remote.ending, Ending::ResetByPeer);
            exact(&reset.truth("reset", &["rst"]));
        }
        Ok(())
    })
}

#[test]
fn one_port_leads_to_two_remotes_and_is_used_again_after_a_reset() -> Result<()> {
    use Step::{Meet, Receive, Reset, Send};
    in_a_lab(|lab| {
        let conversation = |port| {
            Conversation::new(lab, Ns::Client1, Family::V4)
                .client_port(40_001)
                .remote_port(port)
        };
        for port in [5001, 5001, 5002] {
            let done = conversation(port).run(&[Send(10), Meet, Reset], &[Receive(10), Meet])?;
            assert_eq!(done.client.local.port(), 40_001);
            exact(&done.truth("again", &["rst"]));
        }
        Ok(())
    })
}

#[test]
fn openings_that_fail_still_tell_their_port() -> Result<()> {
    in_a_lab(|lab| {
        lab.nft(Ns::Gateway, "add rule inet lab forward tcp dport 9 drop")?;
        for (port, kind, deadline) in [
            (8, ErrorKind::ConnectionRefused, PATIENCE),
            (9, ErrorKind::TimedOut, Duration::from_millis(300)),
        ] {
            let remote = (Ns::Remote.address(Family::V4), port).into();
            let attempt = connect::attempt(lab, Ns::Client1, 0, remote, deadline)?;
            assert_eq!(attempt.outcome.unwrap_err().kind(), kind);
            assert_eq!(attempt.local.ip(), Ns::Client1.address(Family::V4));
            assert_ne!(attempt.local.port(), 0);
        }
        Ok(())
    })
}

#[test]
fn the_remote_opens_a_connection_through_a_forwarded_port() -> Result<()> {
    use Step::{Receive, ReceiveToEnd, Send};
    in_a_lab(|lab| {
        lab.forward_port(8022, Ns::Client1, 22)?;
        for family in FAMILIES {
            let done = Conversation::new(lab, Ns::Client1, family)
                .client_port(22)
                .inbound(8022)
                .run(&[Receive(100), Send(2_000)], &[Send(100), ReceiveToEnd])?;
            let truth = done.truth("inbound", &["fin"]);
            exact(&truth);
            assert_eq!(
                (truth.client_port, truth.translated_port),
                (Some(22), Some(8022))
            );
            assert_eq!(truth.remote.ip(), Ns::Remote.address(family));
            assert_eq!(
                (truth.sent, truth.received),
                (Count::Exact(2_000), Count::Exact(100))
            );
        }
        Ok(())
    })
}

#[test]
fn nothing_is_left_after_a_panic() -> Result<()> {
    if !require_root() {
        return Ok(());
    }
    let lab = Lab::up()?;
    let (netns, dir) = (
        Path::new("/run/netns").join(lab.netns(Ns::Gateway)),
        lab.dir().to_owned(),
    );
    lab.bpf_dir()?;
    assert!(netns.exists() && dir.exists());
    let panicked = std::thread::spawn(move || {
        let _nginx = Nginx::start(&lab);
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert!(!netns.exists() && !dir.exists());
    Ok(())
}

fn in_a_lab(body: impl FnOnce(&Lab) -> Result<()>) -> Result<()> {
    if !require_root() {
        return Ok(());
    }
    body(&Lab::up()?)
}

#[track_caller]
fn exact(truth: &Truth) {
    assert!(matches!(truth.sent, Count::Exact(_)), "{truth:#?}");
    assert!(matches!(truth.received, Count::Exact(_)), "{truth:#?}");
    let family = if truth.client.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    };
    assert_eq!(truth.translated, translated(family), "{truth:#?}");
    assert!(truth.translated_port.is_some(), "{truth:#?}");
}
