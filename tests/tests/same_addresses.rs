//! Two inside interfaces with the same addresses behind them: conntrack zones
//! and a routing table of its own keep them apart in the gateway, and the
//! records name the interface.

use anyhow::Result;
use nat_acct_tests::lab::second::{SECOND_INSIDE, SECOND_TABLE};
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::{Record, assert_equal};
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Lab, Ns, Watch, in_a_lab};

use Step::{Meet, Receive, ReceiveToEnd, Send};

const ROUNDS: u64 = 3;

#[test]
fn equal_down_to_the_ports_and_open_at_once() -> Result<()> {
    in_a_lab(|lab| {
        lab.second_inside(Ns::Twin)?;
        keep_apart(lab)?;
        let watch = Watch::start(lab)?;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for family in Family::ALL {
            for round in 1..=ROUNDS {
                let conversation = |client| {
                    Conversation::new(lab, client, family)
                        .client_port(40_000 + round as u16)
                        .remote_port(5_000)
                };
                let (done, within) = conversation(Ns::Client1).run_with(
                    &[Send(100 * round), Meet, Meet, ReceiveToEnd],
                    &[Receive(100 * round), Meet, Meet, Send(7_000 * round)],
                    || {
                        let sent = 5_000 * round;
                        conversation(Ns::Twin)
                            .run(&[Send(sent), ReceiveToEnd], &[Receive(sent), Send(11)])
                    },
                )?;
                let within = within?;
                let ends =
                    |talk: nat_acct_tests::traffic::conversation::Talk| (talk.local, talk.peer);
                assert_eq!(ends(done.client), ends(within.client));
                first.push(done.truth("the first", &["fin"]));
                second.push(within.truth("its twin", &["fin"]));
            }
        }
        let records = watch.finish(first.len() + second.len())?;
        for (truths, inside) in [(first, INSIDE), (second, SECOND_INSIDE)] {
            let by_this = |record: &&Record| record.ingress.as_deref() == Some(inside);
            let records: Vec<_> = records.iter().filter(by_this).cloned().collect();
            assert_equal(&truths, &records);
            assert!(records.iter().all(|record| record.matched == "sequence"));
        }
        shown_both_ways(
            "the same addresses on two inside interfaces",
            "exact, not mixed",
        );
        Ok(())
    })
}

/// The twin's connections have a conntrack zone of their own until they are
/// translated, and a mark by which the answers find the way.
fn keep_apart(lab: &Lab) -> Result<()> {
    lab.nft(
        Ns::Gateway,
        &format!(
            "table inet zones {{
                chain before_conntrack {{
                    type filter hook prerouting priority raw;
                    iifname {SECOND_INSIDE} ct original zone set {SECOND_TABLE}
                }}
                chain prerouting {{
                    type filter hook prerouting priority mangle;
                    iifname {SECOND_INSIDE} ct mark set {SECOND_TABLE}
                    iifname {OUTSIDE} meta mark set ct mark
                }}
            }}"
        ),
    )?;
    for ip in ["ip -4", "ip -6"] {
        let rule = format!("{ip} rule add fwmark {SECOND_TABLE} lookup {SECOND_TABLE}");
        lab.run(Ns::Gateway, &rule)?;
    }
    Ok(())
}
