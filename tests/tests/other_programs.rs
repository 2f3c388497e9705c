//! Other people's TC programs in the way: the agent is on the right side of
//! them, or says which is in the way; and what others take off, it puts back.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use aya::programs::LinkOrder;
use nat_acct_tests::fdinfo::{self, FdInfo};
use nat_acct_tests::lab::foreign::{self, Field, Foreign, attach_clsact, attach_tcx};
use nat_acct_tests::lab::hooks::{self, Direction};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Meet, Receive, ReceiveToEnd, Send};
use nat_acct_tests::traffic::held::{self, Held};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, Truth, agent, in_a_lab, wait_until};

const TAKEN_OFF: &str = "has taken a program off";
const HIDDEN: &str = "packets pass that the program does not see";
const VISIBLE: &str = "the program sees packets again";
/// `TC_ACT_OK`, `TCX_PASS`.
const ENDS_THE_CHAIN: i32 = 0;

#[test]
fn those_that_end_the_chain_are_behind_a_tcx_agent() -> Result<()> {
    in_a_lab(|lab| {
        if !hooks::has_tcx() {
            return Ok(());
        }
        let mut others = Vec::new();
        for (device, direction) in EVERYWHERE_BUT_OUTSIDE_EGRESS {
            let code = foreign::returns(ENDS_THE_CHAIN);
            others.push(attach_tcx(
                lab,
                device,
                direction,
                LinkOrder::first(),
                &code,
            )?);
        }
        let agent = Agent::start(lab, &["--hook", "tcx"])?;
        exact(lab, agent)?;
        note("programs that end the chain, and the agent by tcx", "exact");
        Ok(())
    })
}

#[test]
fn filters_that_end_the_chain_are_behind_a_clsact_agent() -> Result<()> {
    in_a_lab(|lab| {
        for (device, direction) in EVERYWHERE_BUT_OUTSIDE_EGRESS {
            end_the_chain(lab, device, direction, 10)?;
        }
        let agent = Agent::start(lab, &["--hook", "clsact"])?;
        exact(lab, agent)?;
        note(
            "filters that end the chain, and the agent by clsact",
            "exact",
        );
        Ok(())
    })
}

const EVERYWHERE_BUT_OUTSIDE_EGRESS: [(&str, Direction); 3] = [
    ("br0", Direction::Ingress),
    ("br0", Direction::Egress),
    ("eth1", Direction::Ingress),
];

#[test]
fn one_that_comes_before_is_named() -> Result<()> {
    in_a_lab(|lab| {
        if !hooks::has_tcx() {
            return Ok(());
        }
        for (hook, direction) in [
            ("tcx", Direction::Ingress),
            ("tcx", Direction::Egress),
            ("clsact", Direction::Ingress),
        ] {
            let agent = Agent::start(lab, &["--hook", hook])?;
            let code = foreign::returns(ENDS_THE_CHAIN);
            let other = attach_tcx(lab, "br0", direction, LinkOrder::first(), &code)?;
            let (_, line) = converse_until(lab, &agent, HIDDEN)?;
            assert!(line.contains("WARN"), "{line}");
            assert!(line.contains("br0"), "{line}");
            assert!(line.contains(direction.name()), "{line}");
            let number = format!("program {}", other.number());
            assert!(line.contains(&number), "{line}");

            drop(other);
            converse(lab, MUCH)?;
            wait_for(&agent, VISIBLE)?;
            let stopped = agent.stop()?;
            let log = stopped.log;
            assert_eq!(log.matches(HIDDEN).count(), 1, "{log}");
            assert_eq!(log.matches(VISIBLE).count(), 1, "{log}");
        }
        note(
            "a program gets before the agent's and ends the chain",
            "warned",
        );
        Ok(())
    })
}

#[test]
fn a_filter_that_comes_before_is_named() -> Result<()> {
    in_a_lab(|lab| {
        let agent = Agent::start(lab, &["--hook", "clsact"])?;
        end_the_chain(lab, "br0", Direction::Egress, 1)?;
        let (_, line) = converse_until(lab, &agent, HIDDEN)?;
        assert!(line.contains("filter bpf pref 1"), "{line}");
        note(
            "a filter gets before the agent's and ends the chain",
            "warned",
        );
        Ok(())
    })
}

#[test]
fn translated_addresses_are_those_of_the_wire() -> Result<()> {
    const FROM: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
    const TO: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
    let out = foreign::translates(Field::Source, FROM, TO);
    let back = foreign::translates(Field::Destination, TO, FROM);
    for (ours, others, comes) in [
        ("tcx", "tcx", Comes::First),
        ("tcx", "tcx", Comes::Later),
        ("auto", "clsact", Comes::First),
        ("auto", "clsact", Comes::Later),
        ("clsact", "tcx", Comes::First),
        ("clsact", "clsact", Comes::First),
        ("clsact", "clsact", Comes::Later),
    ] {
        let is_possible = |hook: &str| hook != "tcx" || hooks::has_tcx();
        if !is_possible(ours) || !is_possible(others) {
            continue;
        }
        in_a_lab(|lab| {
            lab.run(Ns::Gateway, &format!("ip address add {TO}/24 dev eth1"))?;
            let translate = || -> Result<Vec<Foreign>> {
                if others == "clsact" {
                    // Priorities that people like.
                    attach_clsact(lab, "eth1", Direction::Egress, 100, &out)?;
                    attach_clsact(lab, "eth1", Direction::Ingress, 100, &back)?;
                    return Ok(Vec::new());
                }
                Ok(vec![
                    attach_tcx(lab, "eth1", Direction::Egress, LinkOrder::last(), &out)?,
                    attach_tcx(lab, "eth1", Direction::Ingress, LinkOrder::first(), &back)?,
                ])
            };
            let mut translators = Vec::new();
            if comes == Comes::First {
                translators = translate()?;
            }
            let agent = Agent::start(lab, &["--hook", ours])?;
            if comes == Comes::Later {
                translators = translate()?;
                let moves = match ours {
                    "tcx" => 2,
                    // From tcx to the end of clsact.
                    "auto" if hooks::has_tcx() => 1,
                    _ => 0,
                };
                wait_until(PATIENCE, "the agent's programs to move", || {
                    Ok((agent.log().matches(agent::MOVED).count() == moves).then_some(()))
                })
                .map_err(|error| error.context(agent.log()))?;
            }
            let truth = interrupted(lab, || Ok(()))?;
            assert_eq!(truth.translated, TO, "{others} does not translate");
            agent.wait_for_records(1, PATIENCE)?;
            let stopped = agent.stop()?;
            assert_equal(&[truth], &agent::closing(&stopped.records)?);
            // No filter of clsact can be before a program of tcx.
            let warned = usize::from(ours == "clsact" && others == "tcx");
            let log = stopped.log;
            assert_eq!(log.matches("WARN").count(), warned, "{log}");
            drop(translators);
            Ok(())
        })?;
    }
    note(
        "a program translates addresses, as of tcx and of clsact",
        "exact",
    );
    Ok(())
}

#[test]
fn an_action_that_translates_on_the_inside_is_named() -> Result<()> {
    in_a_lab(|lab| {
        lab.run(Ns::Gateway, "tc qdisc add dev br0 clsact")?;
        let filter = "tc filter add dev br0 egress pref 7 protocol ip u32 \
                      match ip dst 192.0.2.1/32 action pedit munge ip dst set 192.0.2.2";
        if let Err(error) = lab.run(Ns::Gateway, filter) {
            eprintln!("SKIPPED, this kernel has no action pedit: {error:#}");
            return Ok(());
        }
        let agent = Agent::start(lab, &[])?;
        let line = wait_for(&agent, "if these change addresses")?;
        assert!(line.contains("br0") && line.contains("egress"), "{line}");
        assert!(line.contains("filter u32 pref 7 action pedit"), "{line}");
        let truths = converse(lab, 300_000)?;
        agent.wait_for_records(truths.len(), PATIENCE)?;
        let stopped = agent.stop()?;
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        assert_eq!(stopped.log.matches("WARN").count(), 1, "{}", stopped.log);
        note("a filter that translates on the inside", "warned");
        Ok(())
    })
}

/// When a neighbour's program comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    First,
    Later,
}

#[test]
fn one_that_hides_openings_on_the_outside_leaves_no_translated_address() -> Result<()> {
    in_a_lab(|lab| {
        end_the_chain(lab, "eth1", Direction::Egress, 10)?;
        let agent = Agent::start(lab, &["--hook", "clsact"])?;
        let (mut truths, line) = converse_until(lab, &agent, HIDDEN)?;
        assert!(
            line.contains("eth1") && line.contains("filter bpf pref 10"),
            "{line}"
        );
        let warned = converse(lab, 300_000)?;
        truths.extend(warned.iter().cloned());
        agent.wait_for_records(truths.len(), PATIENCE)?;
        let mut records = agent::closing(&agent.stop()?.records)?;
        for record in &mut records {
            assert_eq!(record.translated, None, "{record:?}");
            // All else is as always. Connections of both families may have the same port.
            let truth = truths.iter().find(|truth| {
                truth.remote == record.remote
                    && truth.client == record.client.ip()
                    && truth.client_port == Some(record.client.port())
            });
            let truth = truth.expect("the record of a connection");
            // From then on it knows that it may have missed them.
            let is_warned = warned
                .iter()
                .any(|warned| warned.client_port == truth.client_port);
            assert!(!is_warned || record.matched == "ambiguous", "{record:?}");
            record.translated = truth
                .translated_port
                .map(|port| (truth.translated, port).into());
        }
        assert_equal(&truths, &records);
        note(
            "a filter on the outside hides openings from a clsact agent",
            "absent, warned",
        );
        Ok(())
    })
}

#[test]
fn a_qdisc_that_is_deleted_is_made_again() -> Result<()> {
    in_a_lab(|lab| {
        let agent = Agent::start(lab, &["--hook", "clsact"])?;
        let truth = interrupted(lab, || {
            for device in ["br0", "eth1"] {
                lab.run(Ns::Gateway, &format!("tc qdisc del dev {device} clsact"))?;
            }
            wait_until(PATIENCE, "the filters to come back", || {
                Ok((agent.log().matches("programs are on").count() == 4).then_some(()))
            })
        })?;
        put_back(lab, agent, truth, 4)?;
        note("the clsact qdisc is deleted", "exact");
        Ok(())
    })
}

/// Only two FINs would prove that nothing has passed meanwhile.
#[test]
fn what_was_open_while_a_program_was_off_the_inside_is_marked() -> Result<()> {
    in_a_lab(|lab| {
        let agent = Agent::start(lab, &["--hook", "clsact"])?;
        let listener = held::listen(lab, Family::V4)?;
        let mut before = held::open(lab, Ns::Client1, &listener, 1)?;
        before[0].exchange(1_000, 2_000)?;
        lab.run(Ns::Gateway, "tc qdisc del dev br0 clsact")?;
        wait_until(PATIENCE, "the filters to come back", || {
            Ok((agent.log().matches("programs are on").count() == 3).then_some(()))
        })?;
        let after = held::open(lab, Ns::Client2, &listener, 1)?;
        let records = agent::closing(&agent.stop()?.records)?;
        let partial = |held: &[Held]| {
            let (client, _) = held[0].mapping()?;
            let record = records.iter().find(|record| record.client == client);
            let record = record.context("no record")?;
            ensure!(record.reason == "agent-stop", "{record:#?}");
            Ok(record.partial)
        };
        ensure!(partial(&before)?, "{records:#?}");
        ensure!(!partial(&after)?, "{records:#?}");
        Ok(())
    })
}

#[test]
fn a_filter_that_is_replaced_comes_back_beside_the_other() -> Result<()> {
    in_a_lab(|lab| {
        let agent = Agent::start(lab, &["--hook", "clsact"])?;
        let listed = hooks::filters(lab, Ns::Gateway, "br0", Direction::Ingress)?;
        let priority = word_after(&listed, "pref");
        let handle = word_after(&listed, "handle");
        let truth = interrupted(lab, || {
            let mut tc = lab.command(Ns::Gateway, "tc");
            tc.args([
                "filter", "replace", "dev", "br0", "ingress", "pref", priority,
            ]);
            tc.args(["handle", handle, "protocol", "all", "bpf"]);
            tc.args(["bytecode", "1,6 0 0 0,", "flowid", "1:7"]);
            ensure!(tc.status()?.success(), "{tc:?}");
            wait_until(PATIENCE, "the filter to come back", || {
                Ok((agent.log().matches("programs are on").count() == 3).then_some(()))
            })
        })?;
        put_back(lab, agent, truth, 1)?;
        let left = hooks::filters(lab, Ns::Gateway, "br0", Direction::Ingress)?;
        assert!(
            left.contains("flowid 1:7"),
            "the other's filter stays: {left}"
        );
        note("a filter of the agent's is replaced", "exact");
        Ok(())
    })
}

#[test]
fn a_tcx_link_that_is_detached_comes_back() -> Result<()> {
    in_a_lab(|lab| {
        if !hooks::has_tcx() {
            return Ok(());
        }
        let mut agent = Agent::start(lab, &["--hook", "tcx"])?;
        let links = tcx_links(agent.process().pid())?;
        assert_eq!(links.len(), 4, "{links:?}");
        let truth = interrupted(lab, || {
            for link in links {
                lab.run(Ns::Gateway, &format!("bpftool link detach id {link}"))?;
            }
            wait_until(PATIENCE, "the programs to come back", || {
                let log = agent.log();
                let taken = log.matches(TAKEN_OFF).count();
                let attached = hooks_of(lab, "br0")? + hooks_of(lab, "eth1")?;
                Ok((taken == 4 && attached == 4).then_some(()))
            })
        })?;
        put_back(lab, agent, truth, 4)?;
        note("the links of the agent's programs are detached", "exact");
        Ok(())
    })
}

#[test]
fn an_ingress_qdisc_leaves_no_room_for_clsact() -> Result<()> {
    in_a_lab(|lab| {
        lab.run(Ns::Gateway, "tc qdisc add dev br0 ingress")?;
        let binary = agent::binary()?;
        let args = [
            "run",
            "--inside",
            "br0",
            "--outside",
            "eth1",
            "--hook",
            "clsact",
        ];
        let mut refused = Agent::spawn(lab, &binary, &args)?;
        let status = refused.process().wait(PATIENCE)?;
        assert_eq!(status.code(), Some(1));
        let log = refused.log();
        assert!(log.contains("br0 has a qdisc of the kind ingress"), "{log}");
        for direction in Direction::ALL {
            let left = hooks::filters(lab, Ns::Gateway, "br0", direction)?;
            assert_eq!(left, "");
        }
        note("an ingress qdisc where clsact is wanted", "refused");

        if !hooks::has_tcx() {
            return Ok(());
        }
        let agent = Agent::start(lab, &[])?;
        exact(lab, agent)?;
        note("an ingress qdisc beside tcx", "exact");
        Ok(())
    })
}

/// A filter of classic BPF that fits each packet and ends the chain.
fn end_the_chain(lab: &Lab, device: &str, direction: Direction, priority: u16) -> Result<()> {
    // There may be one already.
    let _ = lab.run(Ns::Gateway, &format!("tc qdisc add dev {device} clsact"));
    let mut tc = lab.command(Ns::Gateway, "tc");
    tc.args(["filter", "add", "dev", device, direction.name()]);
    tc.args(["prio", &priority.to_string(), "protocol", "all"]);
    tc.args(["bpf", "da", "bytecode", "1,6 0 0 0,"]);
    ensure!(tc.status()?.success(), "{tc:?}");
    Ok(())
}

/// What is recorded is what the endpoints counted.
fn exact(lab: &Lab, agent: Agent) -> Result<()> {
    let truths = converse(lab, 300_000)?;
    agent.wait_for_records(truths.len(), PATIENCE)?;
    let stopped = agent.stop()?;
    assert_equal(&truths, &agent::closing(&stopped.records)?);
    assert!(!stopped.log.contains("WARN"), "{}", stopped.log);
    Ok(())
}

/// The connection, and one after it, are exact, and each program that was taken
/// off is spoken of once.
fn put_back(lab: &Lab, agent: Agent, truth: Truth, taken_off: usize) -> Result<()> {
    let mut truths = vec![truth];
    truths.extend(converse(lab, 300_000)?);
    agent.wait_for_records(truths.len(), PATIENCE)?;
    let stopped = agent.stop()?;
    assert_equal(&truths, &agent::closing(&stopped.records)?);
    let log = stopped.log;
    assert_eq!(log.matches(TAKEN_OFF).count(), taken_off, "{log}");
    assert_eq!(log.matches("WARN").count(), taken_off, "{log}");
    Ok(())
}

/// So much that it is noticed if the agent does not see it.
const MUCH: u64 = 9_000_000;

/// So many bytes each way.
fn converse(lab: &Lab, bytes: u64) -> Result<Vec<Truth>> {
    let mut truths = Vec::new();
    for family in [Family::V4, Family::V6] {
        let done = Conversation::new(lab, Ns::Client1, family).run(
            &[Send(bytes), ReceiveToEnd],
            &[Receive(bytes), Send(bytes), Close],
        )?;
        truths.push(done.truth("beside others", &["fin"]));
    }
    Ok(truths)
}

/// A connection that is silent while something happens.
fn interrupted(lab: &Lab, happens: impl FnOnce() -> Result<()>) -> Result<Truth> {
    let (done, happened) = Conversation::new(lab, Ns::Client2, Family::V4).run_with(
        &[
            Send(30_000),
            Receive(5_000),
            Meet,
            Meet,
            Send(40_000),
            ReceiveToEnd,
        ],
        &[
            Receive(30_000),
            Send(5_000),
            Meet,
            Meet,
            Receive(40_000),
            Send(60_000),
            Close,
        ],
        happens,
    )?;
    happened?;
    Ok(done.truth("before and after", &["fin"]))
}

/// The agent looks a few times a second, and what passes between two looks may escape it.
fn converse_until(lab: &Lab, agent: &Agent, what: &str) -> Result<(Vec<Truth>, String)> {
    let mut truths = Vec::new();
    let line = wait_until(PATIENCE, what, || {
        truths.extend(converse(lab, MUCH)?);
        let log = agent.log();
        let mut lines = log.lines();
        Ok(lines.find(|line| line.contains(what)).map(str::to_owned))
    });
    Ok((truths, line.map_err(|error| error.context(agent.log()))?))
}

fn wait_for(agent: &Agent, what: &str) -> Result<String> {
    wait_until(PATIENCE, what, || {
        let log = agent.log();
        Ok(log
            .lines()
            .find(|line| line.contains(what))
            .map(str::to_owned))
    })
    .map_err(|error| error.context(agent.log()))
}

fn hooks_of(lab: &Lab, device: &str) -> Result<usize> {
    let mut programs = 0;
    for direction in Direction::ALL {
        programs += hooks::tcx(lab, Ns::Gateway, device, direction)?.len();
    }
    Ok(programs)
}

/// The links to TCX programs that a process holds.
fn tcx_links(pid: u32) -> Result<Vec<String>> {
    let tcx = fdinfo::held_by(pid)?.filter(|info| info.text("link_type") == Some("tcx"));
    let number = |info: FdInfo| info.text("link_id").context("no number").map(str::to_owned);
    tcx.map(number).collect()
}

fn word_after<'t>(text: &'t str, word: &str) -> &'t str {
    let mut words = text.split_whitespace().skip_while(|other| *other != word);
    // The head of a list of filters has a priority, but no handle.
    words.nth(1).unwrap_or_default()
}

fn note(case: &str, result: &str) {
    shown("Neighbours and interfaces", case, Way::Live, result);
}
