//! Packets that could be seen twice, or that are not the gateway's at all: an
//! interface on top of another, a bridge that hands up frames between its
//! ports, a redirection by way of another device.

use std::process::Command;

use anyhow::{Result, ensure};
use nat_acct_tests::lab::{INSIDE, OUTSIDE, hooks};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::tcpdump::Tcpdump;
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::{Wire, assert_equal};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, Truth, agent, in_a_lab, wait_until};

#[test]
fn interfaces_on_top_of_each_other_are_refused() -> Result<()> {
    in_a_lab(|lab| {
        // What to make, the upper and the lower interface, and what it is.
        for (made, upper, lower, case) in [
            ("", "br0", "port1", "a bridge and its port"),
            (
                "link add mv0 link eth1 type macvlan mode bridge",
                "mv0",
                "eth1",
                "a macvlan and its parent",
            ),
            (
                "link add eth1.5 link eth1 type vlan id 5",
                "eth1.5",
                "eth1",
                "a VLAN device and its parent",
            ),
            (
                "link add br5 type bridge\nlink add eth1.6 link eth1 type vlan id 6\n\
                 link set eth1.6 master br5",
                "br5",
                "eth1",
                "a bridge and the parent of its port",
            ),
            (
                "link add bond0 type bond\nlink add d0 type veth peer d1\nlink set d0 master bond0",
                "bond0",
                "d0",
                "a bond and its member",
            ),
        ] {
            if !can_make(lab, made)? {
                eprintln!("{case}: SKIPPED, this kernel has no such device");
                continue;
            }
            for (inside, outside) in [(upper, lower), (lower, upper)] {
                refuses(
                    lab,
                    &["--inside", inside, "--outside", outside],
                    upper,
                    lower,
                )?;
            }
            refuses(
                lab,
                &["--inside", upper, "--inside", lower, "--outside", "lo"],
                upper,
                lower,
            )?;
            note(case, "refused");
        }
        Ok(())
    })
}

/// Runs these lines of `ip -batch`, unless the kernel does not know a device.
fn can_make(lab: &Lab, lines: &str) -> Result<bool> {
    for line in lines.lines().map(str::trim) {
        if let Err(error) = lab.run(Ns::Gateway, &format!("ip {line}")) {
            let unknown = format!("{error:#}").contains("Unknown device type");
            ensure!(unknown, error);
            return Ok(false);
        }
    }
    Ok(true)
}

fn refuses(lab: &Lab, interfaces: &[&str], upper: &str, lower: &str) -> Result<()> {
    let mut refused = Agent::spawn(lab, &agent::binary()?, &[&["run"], interfaces].concat())?;
    let status = refused.process().wait(PATIENCE)?;
    let log = refused.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(
        log.contains(&format!("{upper} is on top of {lower}")),
        "{log}"
    );
    Ok(())
}

#[test]
fn one_that_becomes_part_of_another_is_let_go() -> Result<()> {
    const REFUSED: &str = "br0 is on top of extra";
    in_a_lab(|lab| {
        lab.run(Ns::Gateway, "ip link add extra type veth peer name extra1")?;
        lab.run(Ns::Gateway, "ip link set extra up")?;
        let agent = Agent::start(lab, &["--inside", "extra"])?;
        lab.run(Ns::Gateway, "ip link set extra master br0")?;
        wait_until(PATIENCE, "the warning", || {
            Ok(agent.log().contains(REFUSED).then_some(()))
        })?;
        let truth = converse(lab)?;
        lab.run(Ns::Gateway, "ip link set extra nomaster")?;
        wait_until(PATIENCE, "the interface to be watched again", || {
            Ok((agent.log().matches("programs are on").count() == 4).then_some(()))
        })?;
        agent.wait_for_records(1, PATIENCE)?;
        let stopped = agent.stop()?;
        assert_equal(&[truth], &agent::closing(&stopped.records)?);
        assert_eq!(stopped.log.matches(REFUSED).count(), 1, "{}", stopped.log);
        note("an inside interface becomes a port of another", "warned");
        Ok(())
    })
}

#[test]
fn frames_between_clients_are_nobodys_while_tcpdump_looks_at_the_bridge() -> Result<()> {
    in_a_lab(|lab| {
        let agent = Agent::start(lab, &[])?;
        let inside = Tcpdump::start(lab, INSIDE, &[])?;
        let outside = Tcpdump::start(lab, OUTSIDE, &[])?;
        let between = Conversation::new(lab, Ns::Client1, Family::V4)
            .with(Ns::Client2)
            .run(
                &[Send(50_000), ReceiveToEnd],
                &[Receive(50_000), Send(70_000), Close],
            )?;
        let truth = converse(lab)?;
        agent.wait_for_records(1, PATIENCE)?;
        let stopped = agent.stop()?;
        let [inside, outside] = [inside.stop(lab)?, outside.stop(lab)?];
        let port = between.client.local.port();
        let seen = run(
            lab,
            &format!("tcpdump -r {} tcp port {port}", inside.display()),
        )?;
        assert!(seen.lines().count() > 10, "the bridge did not hand them up");

        let truths = [truth];
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        assert!(!stopped.log.contains("WARN"), "{}", stopped.log);
        note(
            "tcpdump on the bridge, and traffic between its ports",
            "exact",
        );

        let records = lab.dir().join("replayed.jsonl");
        let mut replay = Command::new(agent::binary()?);
        replay.arg("replay").arg("--inside").arg(&inside);
        replay.arg("--outside").arg(&outside);
        ensure!(replay.arg("--output").arg(&records).status()?.success());
        let text = std::fs::read_to_string(&records)?;
        let parsed: Vec<_> = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        assert_equal(&truths, &agent::closing(&parsed)?);
        let case = "tcpdump on the bridge, and traffic between its ports";
        shown("Neighbours and interfaces", case, Way::Replay, "exact");
        Ok(())
    })
}

fn run(lab: &Lab, command: &str) -> Result<String> {
    lab.run(Ns::Gateway, command)
}

#[test]
fn what_an_ifb_shapes_counts_once() -> Result<()> {
    in_a_lab(|lab| {
        // Room for all that comes at once, by default for 32 packets: what it drops the agent has
        // counted, and counts again when it is sent again.
        run(lab, "ip link add ifb0 txqueuelen 10000 type ifb")?;
        run(lab, "ip link set ifb0 up")?;
        let both = hooks::of_kernel();
        for (device, direction, hooks) in [
            ("br0", "egress", both),
            ("eth1", "ingress", both),
            // What is redirected there never comes to the end of the filters.
            ("eth1", "egress", &both[..both.len() - 1]),
        ] {
            // There may be one already.
            let _ = run(lab, &format!("tc qdisc add dev {device} clsact"));
            run(
                lab,
                &format!(
                    "tc filter add dev {device} {direction} prio 7 u32 match u32 0 0 \
                     action mirred egress redirect dev ifb0"
                ),
            )?;
            let arrived = Wire::count(lab, Ns::Client1)?;
            for hook in hooks {
                let agent = Agent::start(lab, &["--hook", hook])?;
                let before = (shaped(lab)?, arrived.tcp()?.ip_bytes);
                let truth = converse(lab)?;
                let after = (shaped(lab)?, arrived.tcp()?.ip_bytes);
                assert!(after.0 > before.0 + 10, "nothing went by ifb0");
                agent.wait_for_records(1, PATIENCE)?;
                let stopped = agent.stop()?;
                let records = agent::closing(&stopped.records)?;
                assert_equal(&[truth], &records);
                // What the client's host has merged has fewer headers.
                let [counted, arrived] = [records[0].volume_received.ip_bytes, after.1 - before.1];
                assert!(counted < arrived + arrived / 10, "{counted} of {arrived}");
            }
            lab.run(Ns::Client1, "nft delete table inet wire")?;
            run(
                lab,
                &format!("tc filter del dev {device} {direction} prio 7"),
            )?;
        }
        note("traffic is redirected to an ifb and comes back", "exact");
        Ok(())
    })
}

/// Packets that the ifb device has given back.
fn shaped(lab: &Lab) -> Result<u64> {
    let packets = run(lab, "cat /sys/class/net/ifb0/statistics/tx_packets")?;
    Ok(packets.trim().parse()?)
}

fn converse(lab: &Lab) -> Result<Truth> {
    let done = Conversation::new(lab, Ns::Client1, Family::V4).run(
        &[Send(300_000), ReceiveToEnd],
        &[Receive(300_000), Send(3_000_000), Close],
    )?;
    Ok(done.truth("through the gateway", &["fin"]))
}

fn note(case: &str, result: &str) {
    shown("Neighbours and interfaces", case, Way::Live, result);
}
