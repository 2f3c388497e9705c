//! SYNPROXY in the gateway: it answers the SYN itself, and opens the way to the
//! other side later, with the opener's sequence number but another one in the
//! answer. The mapping is that of this later SYN, or absent.

use std::net::SocketAddr;

use anyhow::Result;
use nat_acct_tests::lab::translated;
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::watch::{Watch, shown_both_ways};
use nat_acct_tests::{Family, Lab, Ns, in_a_lab};

use Step::{Receive, ReceiveToEnd, Send};

const PORT: u16 = 8_080;
const CALLER: [Step; 2] = [Send(5_000), ReceiveToEnd];
const CALLED: [Step; 2] = [Receive(5_000), Send(60_000)];

#[test]
fn outbound() -> Result<()> {
    in_a_lab(|lab| {
        protect(lab)?;
        let watch = Watch::start(lab)?;
        let mut all = Vec::new();
        for family in Family::ALL {
            for client in Ns::CLIENTS {
                let conversation = Conversation::new(lab, client, family).remote_port(PORT);
                all.push(conversation.run(&CALLER, &CALLED)?);
            }
        }
        check(lab, watch, &all)?;
        shown_both_ways("answered by SYNPROXY, outbound", "exact");
        Ok(())
    })
}

#[test]
fn inbound_without_translation() -> Result<()> {
    in_a_lab(|lab| {
        protect(lab)?;
        let watch = Watch::start(lab)?;
        let mut all = Vec::new();
        for family in Family::ALL {
            let client = Ns::Client1.address(family);
            let router = translated(family);
            lab.run(Ns::Remote, &format!("ip route add {client} via {router}"))?;
            let conversation = Conversation::new(lab, Ns::Client1, family)
                .client_port(PORT)
                .inbound(PORT)
                .dialling(SocketAddr::new(client, PORT));
            all.push(conversation.run(&CALLED, &CALLER)?);
        }
        check(lab, watch, &all)?;
        shown_both_ways("answered by SYNPROXY, inbound", "exact");
        Ok(())
    })
}

/// What opens a connection to [`PORT`] has to prove that it is there.
fn protect(lab: &Lab) -> Result<()> {
    lab.leave_bridge_to_itself();
    lab.nft(
        Ns::Gateway,
        &format!(
            "table inet protection {{
                counter answers {{ }}
                chain prerouting {{
                    type filter hook prerouting priority raw;
                    tcp dport {PORT} tcp flags & (fin | syn | rst | ack) == syn notrack
                }}
                chain forward {{
                    type filter hook forward priority filter - 1;
                    tcp dport {PORT} ct state untracked counter name answers
                    tcp dport {PORT} ct state invalid,untracked \
                        synproxy mss 1460 wscale 7 timestamp sack-perm
                    tcp dport {PORT} ct state invalid drop
                }}
            }}"
        ),
    )?;
    lab.set(Ns::Gateway, &[("netfilter/nf_conntrack_tcp_loose", "0")])
}

fn check(lab: &Lab, watch: Watch<'_>, all: &[Done]) -> Result<()> {
    let answers = lab.run(Ns::Gateway, "nft list counter inet protection answers")?;
    assert!(
        !answers.contains("packets 0 "),
        "the lab's SYNPROXY: {answers}"
    );
    let truths: Vec<_> = all
        .iter()
        .map(|done| done.truth("synproxy", &["fin"]))
        .collect();
    let records = watch.finish(truths.len())?;
    assert_equal(&truths, &records);
    for record in &records {
        assert_eq!(record.matched, "sequence", "{record:#?}");
    }
    Ok(())
}
