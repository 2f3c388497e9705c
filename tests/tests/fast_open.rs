//! TCP Fast Open (RFC 7413): data in the SYN is counted once; where the server
//! refuses it, it is sent again, and counted as that.

use anyhow::{Result, ensure};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::traffic::socket;
use nat_acct_tests::truth::{Counter, assert_equal};
use nat_acct_tests::{Agent, Family, Lab, Ns, in_a_lab};

use Step::{Close, Meet, Receive, ReceiveToEnd, Send};

const CLIENT_PORT: u16 = 41_000;

/// What goes with the SYN: less than fits.
const EARLY: u64 = 700;
const UP: u64 = 50_000;
const DOWN: u64 = 60_000;

/// Bits of `tcp_fastopen` (kernel: Documentation/networking/ip-sysctl.rst): as a
/// client, and for every listener as a server.
const CLIENT: &str = "1";
const SERVER: &str = "1027";

#[test]
fn data_in_the_syn() -> Result<()> {
    in_a_lab(|lab| {
        for family in [Family::V4, Family::V6] {
            learn_cookie(lab, family)?;
            data_with_syn(lab, family)?;
        }
        shown("Real traffic", "TCP Fast Open", Way::Live, "exact");
        Ok(())
    })
}

#[test]
fn data_in_a_refused_syn() -> Result<()> {
    in_a_lab(|lab| {
        for family in [Family::V4, Family::V6] {
            learn_cookie(lab, family)?;
            lab.set(Ns::Remote, &[("ipv4/tcp_fastopen", CLIENT)])?;
            let retransmitted = data_with_syn(lab, family)?;
            assert!(retransmitted >= EARLY, "{family:?}: {retransmitted}");
        }
        shown("Real traffic", "TCP Fast Open, refused", Way::Live, "exact");
        Ok(())
    })
}

/// The first connection asks the server for a cookie, and sends its data later.
fn learn_cookie(lab: &Lab, family: Family) -> Result<()> {
    lab.set(Ns::Client1, &[("ipv4/tcp_fastopen", CLIENT)])?;
    lab.set(Ns::Remote, &[("ipv4/tcp_fastopen", SERVER)])?;
    converse(lab, family).map(drop)
}

/// The next one has a SYN with data. Returns how much its client sent again.
fn data_with_syn(lab: &Lab, family: Family) -> Result<u64> {
    let loaded = format!("tcp flags & (syn | ack) == syn meta length > {EARLY}");
    let loaded = Counter::new(lab, Ns::Remote, "input", &loaded)?;
    let agent = Agent::start(lab, &[])?;
    let (done, retransmitted) = converse(lab, family)?;
    let record = agent.stop_with_one_record()?;
    ensure!(loaded.volume()?.packets == 1, "no SYN with data");
    assert_eq!(done.client.sent, EARLY + UP);
    let truth = done.truth("fast open", &["fin"]);
    assert_equal(&[truth], std::slice::from_ref(&record));
    assert_eq!(record.retransmitted_sent, retransmitted, "{record:#?}");
    Ok(retransmitted)
}

/// Also returns how much the client sent again.
fn converse(lab: &Lab, family: Family) -> Result<(Done, u64)> {
    let client = [Send(UP), Receive(DOWN), Meet, Meet, Close];
    let remote = [Receive(EARLY + UP), Send(DOWN), Meet, Meet, ReceiveToEnd];
    let conversation = Conversation::new(lab, Ns::Client1, family)
        .client_port(CLIENT_PORT)
        .fast_open(EARLY);
    let (done, counters) = conversation.run_with(&client, &remote, || {
        socket::counters(lab, Ns::Client1, CLIENT_PORT)
    })?;
    Ok((done, counters?.bytes_retransmitted))
}
