//! Files of records that others move, truncate or remove while records are
//! being written to them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::privilege::as_nobody;
use nat_acct_tests::rotated::records as records_in;
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::truth::{Truth, assert_numbered, assert_numbered_from, assert_same};
use nat_acct_tests::{Agent, Lab, agent, in_a_lab, wait_until};
use nix::sys::signal::Signal;
use serde_json::Value;

const LONG: Duration = Duration::from_secs(120);
const CONNECTIONS: usize = 3_000;
/// How often the file is rotated under load.
const ROTATIONS: usize = 5;

/// As logrotate does it, with an agent that has no privilege but the three
/// that the kernel wants for BPF.
#[test]
fn renaming_and_sighup_lose_and_double_nothing() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let mut agent = as_nobody(lab, &["bpf", "net_admin", "perfmon"])?;
        agent.wait_attached()?;
        let output = agent.output().to_owned();
        let truths = under_load(lab, &nginx, |rotation| {
            wait_for_records(&output)?;
            fs::rename(&output, rotated(&output, rotation))?;
            agent.process().signal(Signal::SIGHUP)?;
            // It would be noticed without the signal, too, only later; and two signals may become one.
            wait_until(LONG, "the agent to say so", || {
                let count = said(&agent, "is opened anew, as asked");
                Ok((count == rotation + 1).then_some(()))
            })
        })?;
        rotated_files_are_complete(agent, &truths)
    })
}

/// Without a signal, the agent finds out by itself.
#[test]
fn renaming_alone_loses_and_doubles_nothing() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start(lab, &[])?;
        let output = agent.output().to_owned();
        let truths = under_load(lab, &nginx, |rotation| {
            wait_for_records(&output)?;
            fs::rename(&output, rotated(&output, rotation))?;
            wait_until(LONG, "the new file", || Ok(output.exists().then_some(())))
        })?;
        assert_eq!(said(&agent, "was moved or removed"), ROTATIONS);
        rotated_files_are_complete(agent, &truths)
    })
}

/// Another file under our name is written to as it is: behind its last line.
#[test]
fn a_file_in_our_place_is_added_to() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start(lab, &[])?;
        let output = agent.output().to_owned();
        let mut truths = fetch(lab, &nginx, 10)?;
        let mut records = agent.wait_for_records(10, LONG)?;

        let another = output.with_extension("another");
        fs::write(&another, "{\"torn\":")?;
        fs::rename(&another, &output)?;
        truths.extend(fetch(lab, &nginx, 10)?);
        let text = wait_until(LONG, "the other ten records", || {
            let text = fs::read_to_string(&output)?;
            Ok((text.matches('\n').count() > 10).then_some(text))
        })?;
        let (torn, whole) = text.split_once('\n').context("no line")?;
        assert_eq!(torn, "{\"torn\":");
        records.extend(agent::parse(whole)?);
        assert_numbered(&records);
        assert_same(&truths, &agent::closing(&records)?);
        Ok(())
    })
}

/// copytruncate of logrotate, as far as it depends on the agent: what was
/// written between copy and truncation is gone, and the numbers tell.
#[test]
fn truncation_under_load_leaves_whole_lines_without_a_gap() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start(lab, &[])?;
        let output = agent.output().to_owned();
        let truths = under_load(lab, &nginx, |_| {
            wait_for_records(&output)?;
            // truncate -s 0
            fs::File::options().write(true).open(&output)?.set_len(0)?;
            Ok(())
        })?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        assert!(!fs::read(&output)?.contains(&0));
        let first = stopped.records.first().context("nothing is left")?;
        let first = first["event"]["sequence"].as_u64().context("no number")?;
        assert!(first > 0, "nothing was cut off");
        assert_numbered_from(first, &stopped.records);
        assert_eq!(first as usize + stopped.records.len(), truths.len());
        Ok(())
    })
}

/// Fetches, and meanwhile rotates a few times; a rotation that comes after the
/// last fetch would show nothing, so fetching goes on until all are done.
fn under_load(
    lab: &Lab,
    nginx: &Nginx,
    mut rotate: impl FnMut(usize) -> Result<()> + Send,
) -> Result<Vec<Truth>> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let rotating = scope.spawn(|| {
            let result = (0..ROTATIONS).try_for_each(&mut rotate);
            done.store(true, Ordering::Relaxed);
            result
        });
        let mut truths = fetch(lab, nginx, CONNECTIONS)?;
        while !done.load(Ordering::Relaxed) {
            truths.extend(fetch(lab, nginx, 100)?);
        }
        rotating.join().expect("the rotating thread")?;
        // Behind the last rotation, too.
        truths.extend(fetch(lab, nginx, 100)?);
        Ok(truths)
    })
}

fn fetch(lab: &Lab, nginx: &Nginx, connections: usize) -> Result<Vec<Truth>> {
    http::fetch_many(lab, nginx, &Fetches::small(connections))
}

/// Each file has whole lines, and all files in their order have all records.
fn rotated_files_are_complete(agent: Agent, truths: &[Truth]) -> Result<()> {
    let output = agent.output().to_owned();
    let rotated_to = (0..ROTATIONS).map(|rotation| rotated(&output, rotation));
    let files: Vec<_> = rotated_to.chain([output.clone()]).collect();
    wait_until(LONG, "all records", || {
        // The last line may not be whole.
        Ok((records_in(&files, 1)?.len() >= truths.len()).then_some(()))
    })?;
    let stopped = agent.stop()?;
    assert!(stopped.status.success(), "{}", stopped.log);
    let mut records: Vec<Value> = Vec::new();
    for rotation in 0..ROTATIONS {
        let path = rotated(&output, rotation);
        let text = fs::read_to_string(&path)?;
        ensure!(
            text.is_empty() || text.ends_with('\n'),
            "{path:?} ends within a line"
        );
        records.extend(agent::parse(&text)?);
        let mode = fs::metadata(&path)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{path:?}");
    }
    assert!(!records.is_empty(), "nothing was rotated away");
    records.extend(stopped.records);
    assert_numbered(&records);
    assert_same(truths, &agent::closing(&records)?);
    Ok(())
}

fn said(agent: &Agent, words: &str) -> usize {
    let log = agent.log();
    log.lines().filter(|line| line.contains(words)).count()
}

fn rotated(output: &Path, rotation: usize) -> PathBuf {
    output.with_extension(format!("jsonl.{rotation}"))
}

fn wait_for_records(path: &Path) -> Result<()> {
    wait_until(LONG, "records", || {
        let length = fs::metadata(path).map_or(0, |data| data.len());
        Ok((length > 0).then_some(()))
    })
}
