//! Others on the same hooks: their programs see every packet during and after
//! the agent, their qdisc and filters stay, and nothing of the agent's is left.
//!
//! The neighbour whose programs count is a second agent. It is as foreign to the
//! first as any other program: another process, its own programs and maps.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::fdinfo;
use nat_acct_tests::lab::hooks::{self, Direction};
use nat_acct_tests::seccomp::Bpf;
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::of_everyone;
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Agent, Lab, Ns, Random, Truth, agent, in_a_lab, wait_until};

const SOON: Duration = Duration::from_secs(30);
const DEVICES: [&str; 2] = ["br0", "eth1"];
/// What the agent attaches: interface, direction, program.
const OURS: [(&str, Direction, &str); 4] = [
    ("br0", Direction::Ingress, "inside_ingress"),
    ("br0", Direction::Egress, "inside_egress"),
    ("eth1", Direction::Ingress, "outside_ingress"),
    ("eth1", Direction::Egress, "outside_egress"),
];

/// How an agent holds on to an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hook {
    Tcx,
    Clsact,
}

/// How an agent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    Killed,
}

#[test]
fn a_tcx_program_sees_all_beside_a_tcx_agent() -> Result<()> {
    side_by_side(Hook::Tcx, Hook::Tcx, End::Stopped)
}

#[test]
fn a_tcx_program_sees_all_beside_a_clsact_agent() -> Result<()> {
    side_by_side(Hook::Tcx, Hook::Clsact, End::Stopped)
}

#[test]
fn a_clsact_filter_sees_all_beside_a_tcx_agent() -> Result<()> {
    side_by_side(Hook::Clsact, Hook::Tcx, End::Stopped)
}

#[test]
fn a_clsact_filter_sees_all_beside_a_clsact_agent() -> Result<()> {
    side_by_side(Hook::Clsact, Hook::Clsact, End::Stopped)
}

#[test]
fn a_clsact_filter_sees_all_beside_an_agent_that_is_killed() -> Result<()> {
    side_by_side(Hook::Clsact, Hook::Tcx, End::Killed)
}

/// The neighbour is there first; the agent comes and goes.
fn side_by_side(neighbours: Hook, ours: Hook, end: End) -> Result<()> {
    in_a_lab(|lab| {
        if [neighbours, ours].contains(&Hook::Tcx) && !hooks::has_tcx() {
            return Ok(());
        }
        let mut random = Random::seeded();
        if neighbours == Hook::Clsact {
            add_foreign_filters(lab)?;
        }
        let neighbour = start(lab, neighbours)?;
        let before = configuration(lab)?;
        let mut truths = converse(lab, &mut random)?;

        let agent = start(lab, ours)?;
        if (neighbours, ours) == (Hook::Tcx, Hook::Tcx) {
            // While a program moves, an opening may pass it: its translated address is absent then.
            wait_until_moved(&neighbour)?;
            wait_until_moved(&agent)?;
        }
        let during = converse(lab, &mut random)?;
        agent.wait_for_records(during.len(), SOON)?;
        let records = match end {
            End::Stopped => agent.stop()?.records,
            End::Killed => agent.kill()?,
        };
        assert_equal(&during, &agent::closing(&records)?);
        truths.extend(during);
        without_empty_qdisc(lab, neighbours)?;
        wait_until(SOON, "the agent's programs to go", || {
            Ok((configuration(lab)? == before).then_some(()))
        })
        .map_err(|error| error.context(format!("{before:#?}\n{:#?}", configuration(lab))))?;

        truths.extend(converse(lab, &mut random)?);
        neighbour.wait_for_records(truths.len(), SOON)?;
        let stopped = neighbour.stop()?;
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        let case = "two agents on the same interfaces";
        shown("Neighbours and interfaces", case, Way::Live, "exact");
        Ok(())
    })
}

/// Each of two agents wants to be next to the wire, and moves past the other once, in both directions.
fn wait_until_moved(agent: &Agent) -> Result<()> {
    wait_until(SOON, agent::MOVED, || {
        Ok((agent.log().matches(agent::MOVED).count() == 2).then_some(()))
    })
}

/// The qdisc stays when the agent had to make it, lest a filter that somebody
/// else has put there since goes with it. It is empty.
fn without_empty_qdisc(lab: &Lab, neighbours: Hook) -> Result<()> {
    if neighbours == Hook::Clsact {
        return Ok(());
    }
    for device in DEVICES {
        let qdiscs = lab.run(Ns::Gateway, &format!("tc qdisc show dev {device}"))?;
        if qdiscs.contains("clsact") {
            for direction in Direction::ALL {
                let filters = hooks::filters(lab, Ns::Gateway, device, direction)?;
                assert_eq!(filters, "", "{device} {direction:?}");
            }
            lab.run(Ns::Gateway, &format!("tc qdisc del dev {device} clsact"))?;
        }
    }
    Ok(())
}

#[test]
fn foreign_filters_and_their_qdisc_stay() -> Result<()> {
    in_a_lab(|lab| {
        add_foreign_filters(lab)?;
        let before = configuration(lab)?;
        for (hook, end) in [
            (Hook::Tcx, End::Stopped),
            (Hook::Tcx, End::Killed),
            (Hook::Clsact, End::Stopped),
        ] {
            if hook == Hook::Tcx && !hooks::has_tcx() {
                continue;
            }
            let agent = start(lab, hook)?;
            ensure!(configuration(lab)? != before, "nothing was attached");
            match end {
                End::Stopped => drop(agent.stop()?),
                End::Killed => drop(agent.kill()?),
            }
            wait_until(SOON, "the agent's programs to go", || {
                Ok((configuration(lab)? == before).then_some(()))
            })?;
        }
        Ok(())
    })
}

#[test]
fn nothing_is_left_after_the_end() -> Result<()> {
    in_a_lab(|lab| {
        if !hooks::has_tcx() {
            return Ok(());
        }
        let before = configuration(lab)?;
        for end in [End::Stopped, End::Killed] {
            let mut agent = start(lab, Hook::Tcx)?;
            for (device, direction, program) in OURS {
                let attached = hooks::tcx(lab, Ns::Gateway, device, direction)?;
                let [only] = &attached[..] else {
                    panic!("{attached:?}");
                };
                assert!(only.starts_with(program), "{attached:?}");
            }
            let objects = objects(agent.process().pid())?;
            for kind in ["prog", "map", "link"] {
                assert!(objects.iter().any(|object| object.0 == kind), "{objects:?}");
            }
            match end {
                End::Stopped => drop(agent.stop()?),
                End::Killed => drop(agent.kill()?),
            }
            // The kernel frees them a little later.
            wait_until(SOON, "the agent's objects to go", || {
                let left = objects.iter().any(|object| exists(lab, object));
                Ok((!left).then_some(()))
            })?;
            assert_eq!(configuration(lab)?, before, "{end:?}");
        }
        Ok(())
    })
}

fn start(lab: &Lab, hook: Hook) -> Result<Agent> {
    let agent = match hook {
        Hook::Tcx => Agent::start(lab, &[])?,
        Hook::Clsact => Agent::start_on(lab, Bpf::WithoutLinks, &[])?,
    };
    let name = match hook {
        Hook::Tcx => "hook=tcx",
        Hook::Clsact => "hook=clsact",
    };
    let log = agent.log();
    assert_eq!(log.matches(name).count(), DEVICES.len(), "{log}");
    Ok(agent)
}

fn converse(lab: &Lab, random: &mut Random) -> Result<Vec<Truth>> {
    of_everyone(lab, random, "beside others")
}

/// A filter of classic BPF that fits no packet, on each hook.
fn add_foreign_filters(lab: &Lab) -> Result<()> {
    for device in DEVICES {
        lab.run(Ns::Gateway, &format!("tc qdisc add dev {device} clsact"))?;
        for direction in Direction::ALL {
            let mut tc = lab.command(Ns::Gateway, "tc");
            tc.args([
                "filter",
                "add",
                "dev",
                device,
                direction.name(),
                "prio",
                "7",
            ]);
            tc.args([
                "protocol",
                "all",
                "bpf",
                "bytecode",
                "1,6 0 0 0,",
                "flowid",
                "1:7",
            ]);
            ensure!(tc.status()?.success(), "{tc:?}");
        }
    }
    Ok(())
}

fn configuration(lab: &Lab) -> Result<Vec<String>> {
    hooks::all(lab, Ns::Gateway, &DEVICES)
}

/// Kind and number of the BPF objects that a process holds.
fn objects(pid: u32) -> Result<BTreeSet<(&'static str, u32)>> {
    let mut objects = BTreeSet::new();
    for info in fdinfo::held_by(pid)? {
        for (kind, name) in [("prog", "prog_id"), ("map", "map_id"), ("link", "link_id")] {
            if let Some(number) = info.text(name) {
                objects.insert((kind, number.parse()?));
            }
        }
    }
    Ok(objects)
}

fn exists(lab: &Lab, (kind, number): &(&str, u32)) -> bool {
    lab.run(Ns::Gateway, &format!("bpftool {kind} show id {number}"))
        .is_ok()
}
