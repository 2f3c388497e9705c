//! The cases through interfaces, while the agent runs.

use anyhow::{Context, Result};
use nat_acct_tests::cases::{self, Case, Outcome, Round};
use nat_acct_tests::ignored::{ByCause, Ignored};
use nat_acct_tests::shapes::Way;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Lab, agent, in_a_lab, wait_until};
use serde_json::Value;

use crate::hooks::{self, INSIDE, NS, OUTSIDE};
use crate::verdict::Verdicts;
use crate::wires::Wires;

/// As much as a packet socket sends at once.
const LARGEST_FRAME: usize = 200_000;
/// Longer than a case takes, however busy the machine is.
const LINGER: &str = "10s";

#[test]
fn interfaces_agree_with_the_table() -> Result<()> {
    in_a_lab(|lab| {
        let tuns = hooks::make(lab)?;
        let mut agent = start(lab)?;
        let cases = cases::all(Way::Live, LARGEST_FRAME);
        let ignored = Ignored::of(agent.process().pid())?;
        let ignored = lab.enter(NS, || {
            send_all(&Wires::open(tuns, ignored)?, &cases, &agent)
        })?;
        let records = agent.stop()?.records;
        let mut verdicts = Verdicts::new(Way::Live);
        for (case, ignored) in cases.iter().zip(ignored) {
            let own = own(case, &records)?;
            verdicts.add(case, &Outcome::new(&own, ignored)?);
        }
        verdicts.end();
        Ok(())
    })
}

fn start(lab: &Lab) -> Result<Agent> {
    let mut command = lab.command(NS, agent::binary()?);
    command.args(["run", "--linger", LINGER]);
    for name in INSIDE {
        command.args(["--inside", name]);
    }
    for name in OUTSIDE {
        command.args(["--outside", name]);
    }
    let mut agent = Agent::spawn_command(lab, command)?;
    agent.wait_attached()?;
    Ok(agent)
}

/// Sends the rounds of all cases: first that of each, then the second of those that have one. Returns
/// what was ignored of each case.
fn send_all(wires: &Wires, cases: &[Case], agent: &Agent) -> Result<Vec<ByCause>> {
    let mut ignored = vec![ByCause::new(); cases.len()];
    let rounds = cases.iter().map(|case| case.rounds.len()).max();
    for number in 0..rounds.unwrap_or(0) {
        for (case, ignored) in cases.iter().zip(&mut ignored) {
            if let Some(round) = case.rounds.get(number) {
                wait_for_records(case, round, agent).context(case.name)?;
                send_round(wires, round, ignored).context(case.name)?;
            }
        }
    }
    Ok(ignored)
}

fn wait_for_records(case: &Case, round: &Round, agent: &Agent) -> Result<()> {
    if round.after_records == 0 {
        return Ok(());
    }
    wait_until(PATIENCE, "the records of the round before", || {
        let records = own(case, &agent.records()?)?;
        Ok((records.len() >= round.after_records).then_some(()))
    })
}

fn send_round(wires: &Wires, round: &Round, ignored: &mut ByCause) -> Result<()> {
    let before = wires.ignored()?;
    for frame in &round.frames {
        wires.send(frame)?;
    }
    for (cause, after) in wires.ignored()? {
        let grown = after - before.get(&cause).unwrap_or(&0);
        if grown > 0 {
            *ignored.entry(cause).or_default() += grown;
        }
    }
    Ok(())
}

/// The records of a case.
fn own(case: &Case, records: &[Value]) -> Result<Vec<Value>> {
    let mut own = Vec::new();
    for record in records {
        let [read] = &agent::closing(std::slice::from_ref(record))?[..] else {
            continue;
        };
        if case.owns(read.client) {
            own.push(record.clone());
        }
    }
    Ok(own)
}
