//! Programs that live on: a killed agent's connections are the next one's, and
//! `nat-acct detach` leaves nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::hooks::{self, Direction};
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::traffic::held;
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn connections_go_on_from_agent_to_agent() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| {
            let pin = lab.bpf_dir()?.join("nat-acct");
            let args = ["--hook", hook, "--pin", text(&pin)?];
            let listener = held::listen(lab, Family::V4)?;

            let agent = Agent::start(lab, &args)?;
            let mut all = held::open(lab, Ns::Client1, &listener, 3)?;
            each(&mut all, 1_000)?;
            ensure!(agent.kill()?.is_empty(), "a record too early");
            each(&mut all, 20_000)?;
            all.extend(held::open(lab, Ns::Client2, &listener, 2)?);

            // Killed, and then stopped in order: to the programs it is the same.
            let agent = Agent::start(lab, &args)?;
            each(&mut all, 3_000)?;
            let stopped = agent.stop()?;
            ensure!(stopped.records.is_empty(), "{:#?}", stopped.records);
            each(&mut all, 40_000)?;

            let agent = Agent::start(lab, &args)?;
            each(&mut all, 500)?;
            let open = all.pop().context("five are open")?;
            let close = |held: held::Held| held.close("from agent to agent");
            let mut truths: Vec<_> = all.into_iter().map(close).collect::<Result<_>>()?;
            let mut records = agent.wait_for_records(truths.len(), SOON)?;
            agent.stop()?;

            records.extend(detach(lab, &pin)?);
            let mut last = open.close("the end of the programs")?;
            last.reasons = &["agent-stop"];
            truths.push(last);
            assert_equal(&truths, &agent::closing(&records)?);
            nothing_is_left(lab, &pin)
        })?;
    }
    Ok(())
}

/// New programs take the place of the old ones without a packet between them.
#[test]
fn one_agent_after_another_in_the_middle_of_a_transfer() -> Result<()> {
    const BYTES: u64 = 3_000_000_000;
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| {
            let pin = lab.bpf_dir()?.join("nat-acct");
            let args = ["--hook", hook, "--pin", text(&pin)?];
            let first = Agent::start(lab, &args)?;
            let (done, agent, agents) = std::thread::scope(|scope| {
                let transfer = scope.spawn(|| {
                    let conversation = Conversation::new(lab, Ns::Client1, Family::V4);
                    conversation.run(&[Send(BYTES), ReceiveToEnd], &[Receive(BYTES), Close])
                });
                let (mut agent, mut agents) = (first, 1);
                while !transfer.is_finished() {
                    if agents % 2 == 0 {
                        agent.kill()?;
                    } else {
                        agent.stop()?;
                    }
                    agent = Agent::start(lab, &args)?;
                    agents += 1;
                }
                let done = transfer.join().expect("the thread of the transfer");
                anyhow::Ok((done?, agent, agents))
            })?;
            ensure!(agents > 2, "the transfer was over too early");
            let records = agent.wait_for_closing(1, SOON)?;
            assert_equal(&[done.truth("by many agents", &["fin"])], &records);
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn other_settings_end_what_lived_on() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        let listener = held::listen(lab, Family::V6)?;
        let agent = Agent::start(lab, &["--pin", text(&pin)?])?;
        let mut old = held::open(lab, Ns::Client1, &listener, 2)?;
        each(&mut old, 10_000)?;
        agent.stop()?;
        each(&mut old, 700)?;

        let args = ["--pin", text(&pin)?, "--max-connections", "1000"];
        let agent = Agent::start(lab, &args)?;
        let mut new = held::open(lab, Ns::Client1, &listener, 2)?;
        each(&mut new, 300)?;
        let mut truths = Vec::new();
        for held in old {
            let mut truth = held.close("before")?;
            truth.reasons = &["agent-stop"];
            truths.push(truth);
        }
        for held in new {
            truths.push(held.close("after")?);
        }
        let records = agent.wait_for_records(truths.len(), SOON)?;
        assert_equal(&truths, &agent::closing(&records)?);
        agent.stop()?;
        detach(lab, &pin)?;
        nothing_is_left(lab, &pin)
    })
}

#[test]
fn what_cannot_be_adopted_is_refused_in_a_line() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        refused(
            lab,
            &["detach", "--pin", text(&pin)?],
            "nothing lives on in",
        )?;
        let listener = held::listen(lab, Family::V4)?;
        let mut older = held::open(lab, Ns::Client1, &listener, 1)?;
        let agent = Agent::start(lab, &["--pin", text(&pin)?])?;
        each(&mut older, 4_000)?;
        let taken = "another nat-acct runs with";
        refused(lab, &["detach", "--pin", text(&pin)?], taken)?;
        let status = said(lab, &["status", "--pin", text(&pin)?])?;
        ensure!(status.1.contains("an agent runs"), "{status:?}");
        ensure!(status.1.contains("with 12001 payload bytes"), "{status:?}");
        agent.stop()?;
        let status = said(lab, &["status", "--pin", text(&pin)?])?;
        ensure!(status.1.contains("no agent runs"), "{status:?}");
        detach(lab, &pin)?;

        let elsewhere = lab.dir().join("no-bpffs");
        let run = ["run", "--inside", INSIDE, "--outside", OUTSIDE, "--pin"];
        let elsewhere = [&run[..], &[text(&elsewhere)?]].concat();
        refused(lab, &elsewhere, "is not in a BPF file system")?;
        // As another version would have left it.
        std::fs::create_dir_all(pin.join("abi-1"))?;
        let other = [&run[..], &[text(&pin)?]].concat();
        refused(lab, &other, "was made by another version of nat-acct")
    })
}

fn each(all: &mut [held::Held], bytes: u64) -> Result<()> {
    all.iter_mut()
        .try_for_each(|held| held.exchange(bytes, 2 * bytes + 1))
}

fn detach(lab: &Lab, pin: &Path) -> Result<Vec<Value>> {
    let (status, _, records) = said_with_output(lab, &["detach", "--pin", text(pin)?])?;
    ensure!(status == Some(0), "{status:?}: {records}");
    let records = records.lines().map(serde_json::from_str);
    Ok(records.collect::<Result<_, _>>()?)
}

/// One line on standard error, and status 1.
fn refused(lab: &Lab, args: &[&str], expect: &str) -> Result<()> {
    let (status, _, _) = said_with_output(lab, args)?;
    let (_, error) = said(lab, args)?;
    ensure!(status == Some(1), "{status:?}: {error}");
    let lines: Vec<_> = error.lines().filter(|line| line.contains(expect)).collect();
    ensure!(lines.len() == 1, "{error}");
    Ok(())
}

fn said(lab: &Lab, args: &[&str]) -> Result<(Option<i32>, String)> {
    let (status, error, output) = said_with_output(lab, args)?;
    Ok((status, error + &output))
}

fn said_with_output(lab: &Lab, args: &[&str]) -> Result<(Option<i32>, String, String)> {
    let done = lab
        .command(Ns::Gateway, agent::binary()?)
        .args(args)
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((done.status.code(), text(&done.stderr), text(&done.stdout)))
}

/// Neither on the interfaces nor in the directory.
fn nothing_is_left(lab: &Lab, pin: &Path) -> Result<()> {
    for device in [INSIDE, OUTSIDE] {
        for direction in Direction::ALL {
            let programs = hooks::tcx(lab, Ns::Gateway, device, direction)?;
            ensure!(programs.is_empty(), "{device}: {programs:?}");
            let direction = direction.name();
            let show = format!("tc filter show dev {device} {direction}");
            let filters = lab.run(Ns::Gateway, &show)?;
            ensure!(filters.trim().is_empty(), "{device}: {filters}");
        }
    }
    ensure!(std::fs::read_dir(pin)?.next().is_none(), "pins are left");
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
