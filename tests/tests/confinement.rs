//! What an agent can no longer do once it has attached, and that what it is for goes on: rotation,
//! and interfaces that come back.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};
use nat_acct_tests::lab::{INSIDE, hooks};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::{Record, Truth, assert_equal};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab, wait_until};
use nix::sys::signal::Signal;

/// CAP_NET_ADMIN and CAP_BPF.
const LEFT: u64 = 1 << 12 | 1 << 39;
const REFUSED: &str = "Permission denied";

#[test]
fn every_thread_has_given_up_what_only_loading_takes() -> Result<()> {
    in_a_lab(|lab| {
        let mut agent = Agent::start(lab, &[])?;
        converse(lab)?;
        // By now, the thread that writes and those that wait for the kernel have been at work.
        agent.wait_for_records(1, PATIENCE)?;
        for set in ["CapEff", "CapPrm", "CapBnd"] {
            let left = of_threads(&mut agent, set)?;
            assert_eq!(left, [format!("{LEFT:016x}")].into(), "{set}");
        }
        for set in ["CapInh", "CapAmb"] {
            let left = of_threads(&mut agent, set)?;
            assert_eq!(left, [format!("{:016x}", 0)].into(), "{set}");
        }
        assert_eq!(of_threads(&mut agent, "NoNewPrivs")?, ["1".into()].into());
        Ok(())
    })
}

/// Also when another agent's tables had to be ended first, by threads that had more.
#[test]
fn threads_of_the_start_keep_nothing() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        let pin = pin.to_str().context("not UTF-8")?;
        let first = Agent::start(lab, &["--pin", pin])?;
        first.stop()?;
        let mut agent = Agent::start(lab, &["--pin", pin, "--max-connections", "1000"])?;
        assert!(agent.log().contains("other settings"), "{}", agent.log());
        let left = of_threads(&mut agent, "CapEff")?;
        assert_eq!(left, [format!("{LEFT:016x}")].into());
        Ok(())
    })
}

#[test]
fn it_cannot_write_elsewhere() -> Result<()> {
    in_a_lab(|lab| {
        let [around, elsewhere] = ["around", "elsewhere"].map(|name| lab.dir().join(name));
        let dir = around.join("records");
        let aside = around.join("aside");
        fs::create_dir_all(&dir)?;
        fs::create_dir(&elsewhere)?;
        let output = dir.join("records.jsonl");
        let mut agent = Agent::start_to(lab, &output)?;
        // Of the same owner: nothing but Landlock tells them apart.
        fs::rename(&dir, &aside)?;
        symlink(&elsewhere, &dir)?;
        agent.process().signal(Signal::SIGHUP)?;
        wait_for(&agent, REFUSED)?;
        assert!(!output.exists());

        let truth = converse(lab)?;
        fs::remove_file(&dir)?;
        fs::rename(&aside, &dir)?;
        agent.wait_for_records(1, PATIENCE)?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        assert_equal(&[truth], &agent::closing(&stopped.records)?);
        Ok(())
    })
}

#[test]
fn it_still_rotates_and_attaches_again() -> Result<()> {
    in_a_lab(|lab| {
        for hook in hooks::of_kernel() {
            let pin = lab.bpf_dir()?.join(hook);
            let pin = pin.to_str().context("not UTF-8")?;
            let mut agent = Agent::start(lab, &["--hook", hook, "--pin", pin])?;
            lab.run(Ns::Gateway, &format!("ip link del {INSIDE}"))?;
            wait_for(&agent, "the interface is gone")?;
            lab.bring_back(INSIDE)?;
            wait_until(PATIENCE, "the interface to be attached to", || {
                let times = agent.log().matches("programs are on the interface").count();
                Ok((times == 3).then_some(()))
            })?;
            let before = converse(lab)?;
            agent.wait_for_records(1, PATIENCE)?;
            let output = agent.output().to_owned();
            let rotated = output.with_extension("old");
            fs::rename(&output, &rotated)?;
            agent.process().signal(Signal::SIGHUP)?;
            wait_for(&agent, "is opened anew, as asked")?;
            let behind = converse(lab)?;
            agent.wait_for_records(1, PATIENCE)?;
            let stopped = agent.stop()?;
            assert!(stopped.status.success(), "{}", stopped.log);
            assert_equal(&[before], &closing(&rotated)?);
            assert_equal(&[behind], &agent::closing(&stopped.records)?);
        }
        Ok(())
    })
}

fn converse(lab: &Lab) -> Result<Truth> {
    let done = Conversation::new(lab, Ns::Client1, Family::V4).run(
        &[Send(5_000), ReceiveToEnd],
        &[Receive(5_000), Send(70_000), Close],
    )?;
    Ok(done.truth("confined", &["fin"]))
}

fn closing(path: &Path) -> Result<Vec<Record>> {
    agent::closing(&agent::parse(&fs::read_to_string(path)?)?)
}

fn wait_for(agent: &Agent, words: &str) -> Result<()> {
    wait_until(PATIENCE, words, || {
        Ok(agent.log().contains(words).then_some(()))
    })
}

/// What the threads of the agent have in this line of their `status`.
fn of_threads(agent: &mut Agent, line: &str) -> Result<BTreeSet<String>> {
    let tasks = format!("/proc/{}/task", agent.process().pid());
    let mut all = BTreeSet::new();
    for task in fs::read_dir(tasks)? {
        // A thread may have ended since.
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else {
            continue;
        };
        let value = status
            .lines()
            .find_map(|said| said.strip_prefix(line)?.strip_prefix(':'));
        all.insert(value.context("no such line")?.trim().to_owned());
    }
    Ok(all)
}
