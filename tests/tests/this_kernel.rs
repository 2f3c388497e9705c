//! The agent on the kernel that is there: it takes what that has, and leaves nothing behind.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::fdinfo;
use nat_acct_tests::lab::hooks::{self, Direction};
use nat_acct_tests::shapes::{self, Way};
use nat_acct_tests::traffic::conversation::of_everyone;
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Agent, Lab, Ns, Random, agent, in_a_lab};

const SOON: Duration = Duration::from_secs(60);
/// Instructions that a verifier follows at most (kernel: include/linux/bpf.h,
/// BPF_COMPLEXITY_LIMIT_INSNS).
const VERIFIER_LIMIT: u64 = 1_000_000;
/// What the agent attaches: interface, direction, program.
const OURS: [(&str, Direction, &str); 4] = [
    ("br0", Direction::Ingress, "inside_ingress"),
    ("br0", Direction::Egress, "inside_egress"),
    ("eth1", Direction::Ingress, "outside_ingress"),
    ("eth1", Direction::Egress, "outside_egress"),
];

#[test]
fn it_is_attached_where_it_can_be_counts_and_is_gone() -> Result<()> {
    in_a_lab(|lab| {
        let hook = if hooks::has_tcx() { "tcx" } else { "clsact" };
        let mut random = Random::seeded();
        let mut agent = Agent::start(lab, &[])?;
        let log = agent.log();
        leaves_room(agent.process().pid())?;
        assert_eq!(log.matches(&format!("hook={hook}")).count(), 2, "{log}");
        for (device, direction, program) in OURS {
            let attached = attached(lab, hook, device, direction)?;
            assert!(attached.contains(program), "{device}: {attached:?}");
        }
        let truths = of_everyone(lab, &mut random, "on this kernel")?;
        agent.wait_for_records(truths.len(), SOON)?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        for (device, direction, _) in OURS {
            assert_eq!(attached(lab, hook, device, direction)?, "", "{device}");
        }
        shapes::shown(shapes::KERNEL, "hook", Way::Live, hook);
        Ok(())
    })
}

/// Three quarters of what the verifier does at most are left, so another compiler has room.
fn leaves_room(agent: u32) -> Result<()> {
    let verified = fdinfo::held_by(agent)?.filter_map(|info| info.number("verified_insns"));
    match verified.max() {
        Some(most) => {
            eprintln!("the verifier has followed {most} instructions of a program");
            let limit = VERIFIER_LIMIT / 4;
            ensure!(most <= limit, "{most} verified instructions");
        }
        None => eprintln!("SKIPPED in part, this kernel does not tell what its verifier does"),
    }
    Ok(())
}

/// What the kernel says is attached there.
fn attached(lab: &Lab, hook: &str, device: &str, direction: Direction) -> Result<String> {
    match hook {
        "tcx" => Ok(hooks::tcx(lab, Ns::Gateway, device, direction)?.join("\n")),
        _ => hooks::filters(lab, Ns::Gateway, device, direction).context("the filters"),
    }
}
