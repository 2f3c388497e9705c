//! IPsec on the outside: a decrypted packet passes the ingress hook a second
//! time, and what is encrypted passes the egress hook as ESP only.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab};

/// A host of the network behind the other end of the tunnel.
const BEHIND: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

#[test]
fn a_tunnel_counts_once_and_leaves_no_translated_address() -> Result<()> {
    in_a_lab(|lab| {
        if !tunnel(lab)? {
            return Ok(());
        }
        let agent = Agent::start(lab, &[])?;
        let conversation = Conversation::new(lab, Ns::Client1, Family::V4);
        let done = conversation.remote_address(IpAddr::V4(BEHIND)).run(
            &[Send(300_000), ReceiveToEnd],
            &[Receive(300_000), Send(3_000_000), Close],
        )?;
        let truth = done.truth("by IPsec", &["fin"]);
        assert_eq!(truth.translated, truth.client, "it is not translated");
        agent.wait_for_records(1, PATIENCE)?;
        let mut records = agent::closing(&agent.stop()?.records)?;
        for record in &mut records {
            assert_eq!(record.translated, None, "{record:?}");
            assert_eq!(record.matched, "intercepted", "{record:?}");
            record.translated = Some(record.client);
        }
        assert_equal(&[truth], &records);
        shown(
            "Neighbours and interfaces",
            "an IPsec tunnel on the outside",
            Way::Live,
            "absent",
        );
        Ok(())
    })
}

/// ESP between gateway and remote for what goes between the clients and the
/// network behind the remote, unless the kernel has none.
fn tunnel(lab: &Lab) -> Result<bool> {
    let (gateway, remote) = ("203.0.113.1", "203.0.113.80");
    let inside = "192.168.17.0/24";
    let key = format!("0x{}", "0123456789abcdef".repeat(2));
    for (ns, own) in [(Ns::Gateway, gateway), (Ns::Remote, remote)] {
        for (from, to, spi) in [(gateway, remote, 1_001), (remote, gateway, 1_002)] {
            let state = format!(
                "ip xfrm state add src {from} dst {to} proto esp spi {spi} reqid 1 mode tunnel \
                 auth hmac(sha1) {key} enc cbc(aes) {key}"
            );
            if let Err(error) = lab.run(ns, &state) {
                eprintln!("SKIPPED, this kernel has no ESP: {error:#}");
                return Ok(false);
            }
            let (source, destination) = if from == gateway {
                (inside.to_owned(), format!("{BEHIND}/32"))
            } else {
                (format!("{BEHIND}/32"), inside.to_owned())
            };
            let directions: &[&str] = if from == own {
                &["out"]
            } else {
                &["in", "fwd"]
            };
            for direction in directions {
                lab.run(
                    ns,
                    &format!(
                        "ip xfrm policy add src {source} dst {destination} dir {direction} \
                         tmpl src {from} dst {to} proto esp reqid 1 mode tunnel"
                    ),
                )?;
            }
        }
    }
    lab.run(Ns::Remote, &format!("ip address add {BEHIND}/32 dev lo"))?;
    lab.run(Ns::Remote, &format!("ip route add {inside} via {gateway}"))?;
    lab.run(
        Ns::Gateway,
        &format!("ip route add {BEHIND}/32 via {remote}"),
    )?;
    // What the tunnel carries keeps its address.
    lab.nft(
        Ns::Gateway,
        &format!("insert rule inet lab postrouting ip daddr {BEHIND} accept"),
    )?;
    Ok(true)
}
