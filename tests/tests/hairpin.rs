//! Connections between two clients through the gateway: each half has its
//! record, and tells who the other one is where the packets prove it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::second::SECOND_INSIDE;
use nat_acct_tests::lab::{INSIDE, translated};
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::truth::{Record, record_of};
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Agent, Family, Lab, Ns, Watch, agent, in_a_lab};

use Step::{Meet, Receive, ReceiveToEnd, Reset, Send};

const FORWARDED: u16 = 8022;
const SENT: u64 = 30_000;
const RECEIVED: u64 = 70_000;

/// What both sockets know of a connection, and the interfaces that it took.
struct Hairpin {
    done: Done,
    interfaces: [&'static str; 2],
}

#[test]
fn through_the_public_address() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        forward(lab, Ns::Client2)?;
        lab.nft(
            Ns::Gateway,
            "add rule inet lab postrouting iifname br0 oifname br0 masquerade fully-random",
        )?;
        let watch = Watch::start(lab)?;
        let mut expected = Vec::new();
        for family in Family::ALL {
            for _ in 0..3 {
                let done = public(lab, Ns::Client2, family)
                    .client_port(port_of(&expected))
                    .run(&CALLER, &CALLED)?;
                // Each end sees an address of the gateway instead of the other.
                assert_eq!(done.client.peer.ip(), translated(family));
                assert_eq!(done.remote.peer.ip(), Ns::Gateway.address(family));
                assert_ne!(done.client.local.port(), done.remote.peer.port());
                expected.push(Hairpin {
                    done,
                    interfaces: [INSIDE, INSIDE],
                });
            }
        }
        check(&watch.finish(2 * expected.len())?, &expected);
        shown_both_ways("hairpin, both addresses translated", "exact, both halves");
        Ok(())
    })
}

#[test]
fn to_another_inside_interface() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        lab.second_inside(Ns::Neighbour)?;
        forward(lab, Ns::Neighbour)?;
        let watch = Watch::start(lab)?;
        // A replay learns from it which frames go to the gateway.
        Conversation::new(lab, Ns::Neighbour, Family::V4).run(&CALLER, &CALLED)?;
        let mut expected = Vec::new();
        for family in Family::ALL {
            let reset = ([Send(9), Meet, Reset], [Receive(9), Meet, ReceiveToEnd]);
            for conversation in [
                public(lab, Ns::Neighbour, family),
                Conversation::new(lab, Ns::Client1, family).with(Ns::Neighbour),
            ] {
                for (caller, called) in [(&CALLER[..], &CALLED[..]), (&reset.0, &reset.1)] {
                    let done = conversation
                        .clone()
                        .client_port(port_of(&expected))
                        .run(caller, called)?;
                    // The called one sees the caller itself.
                    assert_eq!(done.remote.peer, done.client.local);
                    expected.push(Hairpin {
                        done,
                        interfaces: [INSIDE, SECOND_INSIDE],
                    });
                }
            }
        }
        let (hairpins, others): (Vec<_>, Vec<_>) = watch
            .finish(2 * expected.len() + 1)?
            .into_iter()
            .partition(|record| record.matched == "hairpin");
        check(&hairpins, &expected);
        assert_eq!(others[0].matched, "sequence", "{others:#?}");
        shown_both_ways("from one inside interface to another", "exact, both halves");
        Ok(())
    })
}

#[test]
fn open_at_the_end() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        lab.second_inside(Ns::Neighbour)?;
        forward(lab, Ns::Neighbour)?;
        let agent = Agent::start(lab, &["--inside", SECOND_INSIDE])?;
        let (done, stopped) = public(lab, Ns::Neighbour, Family::V4).run_with(
            &[Send(5), Meet, Meet],
            &[Receive(5), Meet, Meet],
            || agent.stop(),
        )?;
        let records = agent::closing(&stopped?.records)?;
        let expected = Hairpin {
            done,
            interfaces: [INSIDE, SECOND_INSIDE],
        };
        check(&records, &[expected]);
        assert!(records.iter().all(|record| record.reason == "agent-stop"));
        Ok(())
    })
}

#[test]
fn translated_in_the_bridge() -> Result<()> {
    in_a_lab(|lab| {
        lab.second_inside(Ns::Neighbour)?;
        forward(lab, Ns::Neighbour)?;
        let agent = Agent::start(lab, &["--inside", SECOND_INSIDE])?;
        let done = public(lab, Ns::Neighbour, Family::V4).run(&CALLER, &CALLED)?;
        let both_fins = |record: &Record| record.reason == "fin";
        agent.wait_for_closing(1, SOON)?;
        let records = agent::closing(&agent.stop()?.records)?;
        let (callers, called): (Vec<_>, Vec<_>) = records.iter().partition(|r| !r.inbound);
        let ([caller], [called]) = (&callers[..], &called[..]) else {
            panic!("not two records: {records:#?}");
        };
        assert_eq!(called.stream_sent(), done.remote.sent, "{called:#?}");
        assert!(both_fins(called) && !called.partial, "{called:#?}");
        // Where netfilter works in the bridge, the replies have other addresses.
        let is_whole = both_fins(caller) && caller.stream_received() == done.client.received;
        assert!(caller.partial || is_whole, "{caller:#?}");
        assert_eq!(caller.stream_sent(), done.client.sent, "{caller:#?}");
        Ok(())
    })
}

const SOON: Duration = Duration::from_secs(30);
const CALLER: [Step; 2] = [Send(SENT), ReceiveToEnd];
const CALLED: [Step; 2] = [Receive(SENT), Send(RECEIVED)];

/// Forwards [`FORWARDED`] of the public addresses, whoever calls.
fn forward(lab: &Lab, to: Ns) -> Result<()> {
    for family in Family::ALL {
        let public = translated(family);
        let (ip, target) = match family {
            Family::V4 => ("ip", format!("{}:22", to.address(family))),
            Family::V6 => ("ip6", format!("[{}]:22", to.address(family))),
        };
        lab.nft(
            Ns::Gateway,
            &format!(
                "add rule inet lab prerouting {ip} daddr {public} tcp dport {FORWARDED} \
                 dnat {ip} to {target}"
            ),
        )?;
    }
    Ok(())
}

/// The first client calls the public address.
fn public(lab: &Lab, called: Ns, family: Family) -> Conversation<'_> {
    Conversation::new(lab, Ns::Client1, family)
        .with(called)
        .remote_port(22)
        .dialling(SocketAddr::new(translated(family), FORWARDED))
}

/// The caller's port in the next one. Of those that the system gives, one may come twice.
fn port_of(before: &[Hairpin]) -> u16 {
    41_000 + before.len() as u16
}

/// Both halves of all connections, and nothing else.
fn check(records: &[Record], expected: &[Hairpin]) {
    assert_eq!(records.len(), 2 * expected.len(), "{records:#?}");
    for Hairpin { done, interfaces } in expected {
        let (caller, called) = (done.client, done.remote);
        for (own, other, inbound) in [(caller, called, false), (called, caller, true)] {
            let record = record_of(records, own.local, own.peer);
            let said = (record.translated, record.matched.as_str());
            assert_eq!(said, (Some(other.peer), "hairpin"), "{record:#?}");
            assert_eq!(record.inbound, inbound, "{record:#?}");
            assert_eq!(record.streams(), own.streams(), "{record:#?}");
            assert!(!record.partial, "{record:#?}");
            let names = [&record.ingress, &record.egress].map(|name| name.as_deref());
            assert_eq!(names, interfaces.map(Some), "{record:#?}");
        }
    }
}
