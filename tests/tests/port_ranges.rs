//! Every way to choose the translated port, and addresses from a pool: the
//! record has what the remote has seen.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Lab, Ns, Truth, Watch, in_a_lab};

use Step::{Meet, Receive, ReceiveToEnd, Reset, Send};

const PORTS: std::ops::RangeInclusive<u16> = 20_000..=20_100;
const ROUNDS: u16 = 12;

#[test]
fn a_range_in_order() -> Result<()> {
    translated_by("masquerade to :20000-20100", "ports of a range")
}

#[test]
fn a_range_at_random() -> Result<()> {
    let case = "ports of a range, fully-random";
    translated_by("masquerade to :20000-20100 fully-random", case)
}

#[test]
fn a_range_and_persistent() -> Result<()> {
    let case = "ports of a range, persistent";
    translated_by("masquerade to :20000-20100 persistent", case)
}

fn translated_by(statement: &str, case: &str) -> Result<()> {
    in_a_lab(|lab| {
        translate(lab, &format!("meta l4proto tcp {statement}"))?;
        let watch = Watch::start(lab)?;
        let mut truths = Vec::new();
        for family in Family::ALL {
            truths.extend(converse(lab, family)?);
        }
        for truth in &truths {
            let port = truth.translated_port.context("the remote saw a port")?;
            assert!(PORTS.contains(&port), "the lab translates: {truth:#?}");
        }
        check(watch, &truths)?;
        shown_both_ways(case, "exact");
        Ok(())
    })
}

/// `persistent` gives a client the same address for all its connections.
#[test]
fn a_pool_of_addresses() -> Result<()> {
    in_a_lab(|lab| {
        for host in 2..=9 {
            let address = format!("ip address add 203.0.113.{host}/24 dev eth1");
            lab.run(Ns::Gateway, &address)?;
        }
        translate(
            lab,
            "meta nfproto ipv4 meta l4proto tcp \
             snat ip to 203.0.113.2-203.0.113.9:20000-20100 fully-random,persistent",
        )?;
        let watch = Watch::start(lab)?;
        let truths = converse(lab, Family::V4)?;
        for client in Ns::CLIENTS {
            let own = truths
                .iter()
                .filter(|truth| truth.client == client.address(Family::V4));
            let addresses: BTreeSet<_> = own.map(|truth| truth.translated).collect();
            assert_eq!(addresses.len(), 1, "the lab is persistent");
        }
        check(watch, &truths)?;
        shown_both_ways("a pool of addresses, persistent", "exact");
        Ok(())
    })
}

/// In place of the lab's masquerading.
fn translate(lab: &Lab, rule: &str) -> Result<()> {
    lab.nft(
        Ns::Gateway,
        &format!(
            "flush chain inet lab postrouting\n\
             add rule inet lab postrouting oifname eth1 {rule}"
        ),
    )
}

/// Both clients, from equal ports to one port of the remote, always two
/// connections open.
fn converse(lab: &Lab, family: Family) -> Result<Vec<Truth>> {
    let mut truths = Vec::new();
    for round in 0..ROUNDS {
        let conversation = |client| {
            Conversation::new(lab, client, family)
                .client_port(41_000 + round)
                .remote_port(5_000)
        };
        let sent = 100 + u64::from(round);
        let (outer, inner) = conversation(Ns::Client1).run_with(
            &[Send(sent), Meet, Meet, ReceiveToEnd],
            &[Receive(sent), Meet, Meet, Send(2_000)],
            || {
                conversation(Ns::Client2)
                    .run(&[Send(9), Meet, Reset], &[Receive(9), Meet, ReceiveToEnd])
            },
        )?;
        let inner = inner?;
        let seen: BTreeSet<SocketAddr> = [outer.remote.peer, inner.remote.peer].into();
        assert_eq!(seen.len(), 2, "two at once have two translated ports");
        truths.push(outer.truth("outer", &["fin"]));
        truths.push(inner.truth("inner", &["rst"]));
    }
    Ok(truths)
}

fn check(watch: Watch<'_>, truths: &[Truth]) -> Result<()> {
    let records = watch.finish(truths.len())?;
    assert_equal(truths, &records);
    assert!(records.iter().all(|record| record.matched == "sequence"));
    Ok(())
}
