//! Two interfaces on the outside, chosen by the client's address or by a mark:
//! the record names the one that was used, and the address that goes with it.

use std::net::SocketAddr;

use anyhow::Result;
use nat_acct_tests::lab::loss::{Hook, Loss};
use nat_acct_tests::lab::second::{SECOND_OUTSIDE, SECOND_TABLE, second_translated};
use nat_acct_tests::lab::{INSIDE, OUTSIDE, translated};
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::truth::{assert_equal, record_of};
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Lab, Ns, Watch, in_a_lab};

use Step::{Receive, ReceiveToEnd, Send};

const SENT: u64 = 20_000;
const RECEIVED: u64 = 80_000;
const OUTWARD: ([Step; 2], [Step; 2]) =
    ([Send(SENT), ReceiveToEnd], [Receive(SENT), Send(RECEIVED)]);

#[test]
fn by_source() -> Result<()> {
    in_a_lab(|lab| {
        lab.second_outside()?;
        for family in Family::ALL {
            let client = Ns::Client2.address(family);
            rule(lab, family, &format!("from {client}"))?;
        }
        let watch = Watch::start(lab)?;
        let mut all = Vec::new();
        for family in Family::ALL {
            for (client, uplink) in [(Ns::Client1, OUTSIDE), (Ns::Client2, SECOND_OUTSIDE)] {
                let done = Conversation::new(lab, client, family).run(&OUTWARD.0, &OUTWARD.1)?;
                all.push((done, uplink));
            }
        }
        check(watch, &all)?;
        shown_both_ways(
            "two uplinks, by the client's address",
            "exact, each interface named",
        );
        Ok(())
    })
}

#[test]
fn by_mark() -> Result<()> {
    const MARKED_PORT: u16 = 4_242;
    const FORWARDED: u16 = 8_022;
    in_a_lab(|lab| {
        lab.second_outside()?;
        lab.forward_port(FORWARDED, Ns::Client1, 22)?;
        lab.nft(
            Ns::Gateway,
            &format!(
                "table inet marks {{
                    chain prerouting {{
                        type filter hook prerouting priority mangle;
                        iifname {SECOND_OUTSIDE} ct mark set {SECOND_TABLE}
                        iifname {INSIDE} tcp dport {MARKED_PORT} ct mark set {SECOND_TABLE}
                        iifname {INSIDE} meta mark set ct mark
                    }}
                    chain forwards {{
                        type nat hook prerouting priority dstnat + 1;
                        iifname {SECOND_OUTSIDE} meta nfproto ipv4 tcp dport {FORWARDED} \
                            dnat ip to {v4}:22
                        iifname {SECOND_OUTSIDE} meta nfproto ipv6 tcp dport {FORWARDED} \
                            dnat ip6 to [{v6}]:22
                    }}
                }}",
                v4 = Ns::Client1.address(Family::V4),
                v6 = Ns::Client1.address(Family::V6),
            ),
        )?;
        for family in Family::ALL {
            rule(lab, family, &format!("fwmark {SECOND_TABLE}"))?;
        }
        let watch = Watch::start(lab)?;
        let mut all = Vec::new();
        for family in Family::ALL {
            let conversation = Conversation::new(lab, Ns::Client1, family);
            for (port, uplink) in [(4_241, OUTSIDE), (MARKED_PORT, SECOND_OUTSIDE)] {
                let outward = conversation_to(lab, family, port);
                all.push((outward.run(&OUTWARD.0, &OUTWARD.1)?, uplink));
            }
            let inward = conversation.client_port(22).inbound(FORWARDED);
            let second = SocketAddr::new(second_translated(family), FORWARDED);
            let done = inward.run(&OUTWARD.1, &OUTWARD.0)?;
            all.push((done, OUTSIDE));
            let done = inward.dialling(second).run(&OUTWARD.1, &OUTWARD.0)?;
            all.push((done, SECOND_OUTSIDE));
        }
        check(watch, &all)?;
        shown_both_ways(
            "two uplinks, by mark, both directions",
            "exact, each interface named",
        );
        Ok(())
    })
}

/// The SYN has left by one uplink when the other one takes over. The client sends
/// it again, and the record names the address under which it was answered.
#[test]
fn from_one_to_the_other_while_it_opens() -> Result<()> {
    const PORT: u16 = 5_003;
    in_a_lab(|lab| {
        lab.second_outside()?;
        let watch = Watch::start(lab)?;
        let mut all = Vec::new();
        for family in Family::ALL {
            let selector = format!("tcp dport {PORT}");
            let loss = Loss::begin(lab, Ns::Remote, Hook::Input, &selector)?;
            let done = std::thread::scope(|scope| {
                let outward = conversation_to(lab, family, PORT);
                let talk = scope.spawn(move || outward.run(&OUTWARD.0, &OUTWARD.1));
                loss.wait_for(1)?;
                let client = Ns::Client1.address(family);
                rule(lab, family, &format!("from {client}"))?;
                loss.end()?;
                talk.join().expect("the thread of the conversation")
            })?;
            let seen = done.remote.peer.ip();
            assert_eq!(seen, second_translated(family), "the lab changes over");
            all.push((done, SECOND_OUTSIDE));
        }
        check(watch, &all)?;
        shown_both_ways(
            "from one uplink to the other while it opens",
            "exact, the second one named",
        );
        Ok(())
    })
}

fn conversation_to(lab: &Lab, family: Family, port: u16) -> Conversation<'_> {
    Conversation::new(lab, Ns::Client1, family).remote_port(port)
}

/// What the selector means is routed by the second interface.
fn rule(lab: &Lab, family: Family, selector: &str) -> Result<()> {
    let ip = match family {
        Family::V4 => "ip -4",
        Family::V6 => "ip -6",
    };
    lab.run(
        Ns::Gateway,
        &format!("{ip} rule add {selector} lookup {SECOND_TABLE}"),
    )?;
    Ok(())
}

/// All records are right, and name the interface to which the address belongs
/// that the remote has seen.
fn check(watch: Watch<'_>, all: &[(Done, &'static str)]) -> Result<()> {
    let truths: Vec<_> = all
        .iter()
        .map(|(done, uplink)| done.truth(uplink, &["fin"]))
        .collect();
    let records = watch.finish(truths.len())?;
    assert_equal(&truths, &records);
    for ((done, uplink), truth) in all.iter().zip(&truths) {
        let family = Family::ALL[usize::from(truth.client.is_ipv6())];
        let address = match *uplink {
            OUTSIDE => translated(family),
            _ => second_translated(family),
        };
        assert_eq!(truth.translated, address, "the lab routes as it should");
        let record = record_of(&records, done.client.local, done.client.peer);
        assert_eq!(record.matched, "sequence", "{record:#?}");
        let outside = if record.inbound {
            &record.ingress
        } else {
            &record.egress
        };
        assert_eq!(outside.as_deref(), Some(*uplink), "{record:#?}");
    }
    Ok(())
}
