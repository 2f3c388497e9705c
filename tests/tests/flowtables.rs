//! Flowtables of nftables: one over the interfaces themselves changes nothing,
//! one over the ports of the bridge goes past it, and the agent says so.

use anyhow::{Result, ensure};
use nat_acct_tests::shapes::{self, Way, shown};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Meet, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, Truth, agent, in_a_lab, wait_until};

const BYPASSED: &str = "a flowtable takes packets past the interface";

#[test]
fn one_over_the_interfaces_changes_nothing() -> Result<()> {
    in_a_lab(|lab| {
        if !offload(lab, "br0, eth1")? {
            return Ok(());
        }
        let agent = Agent::start(lab, &[])?;
        let (truths, offloaded) = converse(lab)?;
        agent.wait_for_records(truths.len(), PATIENCE)?;
        let stopped = agent.stop()?;
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        assert!(!stopped.log.contains("WARN"), "{}", stopped.log);
        // Since Linux 7.2, the port of a bridge has to be in the flowtable, too.
        let shown = if offloaded {
            "exact"
        } else {
            "exact, not offloaded"
        };
        note("a flowtable over the interfaces", shown);
        Ok(())
    })
}

#[test]
fn one_over_the_ports_of_the_bridge_is_warned_of() -> Result<()> {
    in_a_lab(|lab| {
        if !offload(lab, "port1, port2, eth1")? {
            return Ok(());
        }
        let agent = Agent::start(lab, &["--idle-timeout", "2s"])?;
        wait_until(PATIENCE, "the warning", || {
            Ok(agent.log().contains(BYPASSED).then_some(()))
        })?;
        let (mut truths, offloaded) = converse(lab)?;
        ensure!(offloaded, "nothing was offloaded");
        // Before Linux 5.13 it does not go past the bridge.
        let records = agent.wait_for_closing(truths.len(), PATIENCE)?;
        let stopped = agent.stop()?;
        let log = stopped.log;
        assert_eq!(log.matches(BYPASSED).count(), 1, "{log}");
        assert!(log.contains("br0") && log.contains("lab fast"), "{log}");
        let whole: Vec<_> = records
            .into_iter()
            .filter(|record| !record.partial)
            .collect();
        let has_record = |truth: &Truth| {
            let mut ports = whole.iter().map(|record| record.client.port());
            ports.any(|port| truth.client_port == Some(port))
        };
        truths.retain(has_record);
        assert_equal(&truths, &whole);
        note("a flowtable over the ports of the bridge", "warned, marked");
        Ok(())
    })
}

/// Offloads TCP by a flowtable over these devices, unless the kernel has none.
fn offload(lab: &Lab, devices: &str) -> Result<bool> {
    let rules = format!(
        "table inet lab {{\n\
           flowtable fast {{\n hook ingress priority 0; devices = {{ {devices} }};\n }}\n\
           chain established {{\n\
             type filter hook forward priority 1;\n\
             meta l4proto tcp flow add @fast\n\
           }}\n\
         }}\n"
    );
    match lab.nft(Ns::Gateway, &rules) {
        Ok(()) => Ok(true),
        Err(error) => {
            let text = format!("{error:#}");
            ensure!(
                text.contains("No such file") || text.contains("not supported"),
                error
            );
            eprintln!("SKIPPED, this kernel has no flowtable");
            Ok(false)
        }
    }
}

/// Each in two parts, so that the second finds the connection offloaded. Also
/// tells whether they were.
fn converse(lab: &Lab) -> Result<(Vec<Truth>, bool)> {
    let mut truths = Vec::new();
    let mut all_offloaded = true;
    for family in [Family::V4, Family::V6] {
        let (done, tracked) = Conversation::new(lab, Ns::Client1, family).run_with(
            &[
                Send(30_000),
                Receive(5_000),
                Meet,
                Meet,
                Send(400_000),
                ReceiveToEnd,
            ],
            &[
                Receive(30_000),
                Send(5_000),
                Meet,
                Meet,
                Receive(400_000),
                Send(6_000_000),
                Close,
            ],
            || lab.run(Ns::Gateway, "cat /proc/net/nf_conntrack"),
        )?;
        all_offloaded &= tracked?.contains("[OFFLOAD]");
        truths.push(done.truth("offloaded", &["fin"]));
    }
    Ok((truths, all_offloaded))
}

fn note(case: &str, result: &str) {
    shown(shapes::DEVICES, case, Way::Live, result);
}
