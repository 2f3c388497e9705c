//! Of a killed agent by clsact, whose filters outlive it, the next agent clears
//! away what is left; the filters of a living one stay. That two agents at a
//! time both count exactly, the tests of neighbours show.

use anyhow::Result;
use nat_acct_tests::lab::hooks::{self, Direction};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, Random, Truth, agent, in_a_lab};

const CLSACT: [&str; 2] = ["--hook", "clsact"];
const DEVICES: [&str; 2] = ["br0", "eth1"];

#[test]
fn what_a_killed_agent_left_is_cleared_away() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        for next in hooks::of_kernel() {
            Agent::start(lab, &CLSACT)?.kill()?;
            assert_eq!(filters(lab)?, [1, 1, 1, 1], "they outlive their agent");

            let agent = Agent::start(lab, &["--hook", next])?;
            let ours = usize::from(*next == "clsact");
            assert_eq!(filters(lab)?, [ours; 4], "{}", agent.log());
            let truths = converse(lab, &mut random)?;
            exact(agent, &truths)?;
            assert_eq!(filters(lab)?, [0; 4]);
        }
        note("the agent before was killed", "exact");
        Ok(())
    })
}

#[test]
fn what_a_living_agent_has_stays() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let living = Agent::start(lab, &CLSACT)?;
        Agent::start(lab, &CLSACT)?.kill()?;
        assert_eq!(filters(lab)?, [2; 4]);

        let next = Agent::start(lab, &CLSACT)?;
        assert_eq!(filters(lab)?, [2; 4]);
        let truths = converse(lab, &mut random)?;
        exact(next, &truths)?;
        assert_eq!(filters(lab)?, [1; 4]);
        exact(living, &truths)?;
        assert_eq!(filters(lab)?, [0; 4]);
        note("of two agents one was killed", "exact");
        Ok(())
    })
}

fn converse(lab: &Lab, random: &mut Random) -> Result<Vec<Truth>> {
    let mut truths = Vec::new();
    for family in [Family::V4, Family::V6] {
        let (up, down) = (random.size(300_000), random.size(300_000));
        let done = Conversation::new(lab, Ns::Client1, family)
            .run(&[Send(up), ReceiveToEnd], &[Receive(up), Send(down), Close])?;
        truths.push(done.truth("watched twice", &["fin"]));
    }
    Ok(truths)
}

/// The agent has these records and no worries.
fn exact(agent: Agent, truths: &[Truth]) -> Result<()> {
    agent.wait_for_records(truths.len(), PATIENCE)?;
    let stopped = agent.stop()?;
    assert_equal(truths, &agent::closing(&stopped.records)?);
    assert!(!stopped.log.contains("WARN"), "{}", stopped.log);
    Ok(())
}

/// How many filters are on each of the four hooks.
fn filters(lab: &Lab) -> Result<Vec<usize>> {
    let mut counts = Vec::new();
    for device in DEVICES {
        for direction in Direction::ALL {
            let listed = hooks::filters(lab, Ns::Gateway, device, direction)?;
            counts.push(listed.matches(" handle ").count());
        }
    }
    Ok(counts)
}

fn note(case: &str, result: &str) {
    shown("Neighbours and interfaces", case, Way::Live, result);
}
