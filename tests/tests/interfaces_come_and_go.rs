//! An interface that is deleted and made again, with another index: the agent
//! attaches to it again, says so once each way, and keeps what it has counted.

use anyhow::Result;
use nat_acct_tests::lab::{hooks, translated};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Meet, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, Truth, agent, in_a_lab, wait_until};

const GONE: &str = "the interface is gone";
const ATTACHED: &str = "programs are on the interface";

#[test]
fn the_inside_comes_back() -> Result<()> {
    in_a_lab(|lab| {
        for hook in hooks::of_kernel() {
            survives(lab, hook, "br0", |agent| {
                lab.run(Ns::Gateway, "ip link del br0")?;
                wait_for(agent, GONE, "br0", 1)?;
                lab.bring_back("br0")
            })?;
        }
        note("the inside is deleted and made again");
        Ok(())
    })
}

#[test]
fn the_outside_comes_back() -> Result<()> {
    in_a_lab(|lab| {
        keep_translations(lab)?;
        for hook in hooks::of_kernel() {
            survives(lab, hook, "eth1", |agent| {
                lab.run(Ns::Gateway, "ip link del eth1")?;
                wait_for(agent, GONE, "eth1", 1)?;
                lab.bring_back("eth1")
            })?;
        }
        note("the outside is deleted and made again");
        Ok(())
    })
}

#[test]
fn it_comes_back_before_anybody_has_looked() -> Result<()> {
    in_a_lab(|lab| {
        for hook in hooks::of_kernel() {
            survives(lab, hook, "br0", |_| {
                lab.run(Ns::Gateway, "ip link del br0")?;
                lab.bring_back("br0")
            })?;
        }
        note("an interface is replaced in a moment");
        Ok(())
    })
}

#[test]
fn another_gets_its_name() -> Result<()> {
    in_a_lab(|lab| {
        survives(lab, "auto", "br0", |agent| {
            lab.run(Ns::Gateway, "ip link set br0 down")?;
            lab.run(Ns::Gateway, "ip link set br0 name br9")?;
            wait_for(agent, GONE, "br0", 1)?;
            lab.run(Ns::Gateway, "ip link del br9")?;
            lab.bring_back("br0")
        })?;
        note("another interface gets the name");
        Ok(())
    })
}

#[test]
fn down_and_up_is_no_event() -> Result<()> {
    in_a_lab(|lab| {
        for hook in hooks::of_kernel() {
            let agent = Agent::start(lab, &["--hook", hook])?;
            let truth = interrupted(lab, || {
                lab.run(Ns::Gateway, "ip link set br0 down")?;
                lab.run(Ns::Gateway, "ip link set br0 up")?;
                Ok(())
            })?;
            agent.wait_for_records(1, PATIENCE)?;
            let stopped = agent.stop()?;
            assert_equal(&[truth], &agent::closing(&stopped.records)?);
            assert!(!stopped.log.contains("WARN"), "{}", stopped.log);
        }
        note("an interface goes down and up");
        Ok(())
    })
}

/// A connection that is open while `replace` replaces an interface, and later
/// ones, are recorded as if nothing had been.
fn survives(
    lab: &Lab,
    hook: &str,
    interface: &str,
    replace: impl FnOnce(&Agent) -> Result<()>,
) -> Result<()> {
    let agent = Agent::start(lab, &["--hook", hook])?;
    let index = index(lab, interface)?;
    let mut truths = vec![interrupted(lab, || {
        replace(&agent)?;
        wait_for(&agent, ATTACHED, interface, 2)
    })?];
    assert_ne!(self::index(lab, interface)?, index);
    for family in [Family::V4, Family::V6] {
        let done = Conversation::new(lab, Ns::Client2, family).run(
            &[Send(7_000), ReceiveToEnd],
            &[Receive(7_000), Send(90_000), Close],
        )?;
        truths.push(done.truth("afterwards", &["fin"]));
    }
    agent.wait_for_records(truths.len(), PATIENCE)?;
    let stopped = agent.stop()?;
    assert_equal(&truths, &agent::closing(&stopped.records)?);
    assert_eq!(count(&stopped.log, GONE, interface), 1, "{}", stopped.log);
    assert_eq!(
        count(&stopped.log, ATTACHED, interface),
        2,
        "{}",
        stopped.log
    );
    assert_eq!(stopped.log.matches("WARN").count(), 1, "{}", stopped.log);
    Ok(())
}

/// A connection that is silent while something happens.
fn interrupted(lab: &Lab, happens: impl FnOnce() -> Result<()>) -> Result<Truth> {
    let (done, happened) = Conversation::new(lab, Ns::Client1, Family::V4).run_with(
        &[
            Send(300_000),
            Receive(5_000),
            Meet,
            Meet,
            Send(400_000),
            ReceiveToEnd,
        ],
        &[
            Receive(300_000),
            Send(5_000),
            Meet,
            Meet,
            Receive(400_000),
            Send(60_000),
            Close,
        ],
        happens,
    )?;
    happened?;
    Ok(done.truth("before and after", &["fin"]))
}

/// Translations that outlive the interface, unlike masquerading.
fn keep_translations(lab: &Lab) -> Result<()> {
    for (protocol, to) in [("ip", Family::V4), ("ip6", Family::V6)] {
        let to = translated(to);
        let to = if to.is_ipv6() {
            format!("[{to}]")
        } else {
            to.to_string()
        };
        lab.nft(
            Ns::Gateway,
            &format!(
                "insert rule inet lab postrouting oifname eth1 \
                 meta l4proto tcp snat {protocol} to {to}:30000-50000 fully-random"
            ),
        )?;
    }
    Ok(())
}

fn wait_for(agent: &Agent, what: &str, interface: &str, times: usize) -> Result<()> {
    wait_until(PATIENCE, what, || {
        Ok((count(&agent.log(), what, interface) >= times).then_some(()))
    })
    .map_err(|error| error.context(agent.log()))
}

/// Lines of the log that say this of an interface.
fn count(log: &str, what: &str, interface: &str) -> usize {
    let interface = format!("interface={interface:?}");
    let lines = log.lines().filter(|line| line.contains(what));
    lines.filter(|line| line.contains(&interface)).count()
}

fn index(lab: &Lab, interface: &str) -> Result<String> {
    lab.run(
        Ns::Gateway,
        &format!("cat /sys/class/net/{interface}/ifindex"),
    )
}

fn note(case: &str) {
    shown("Neighbours and interfaces", case, Way::Live, "exact");
}
