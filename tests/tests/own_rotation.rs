//! The agent rotates its output by itself: by size and by time, through kills, and what need not be
//! kept is removed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::rotated::{files, records};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::traffic::many;
use nat_acct_tests::truth::{assert_numbered, assert_same, without_duplicates};
use nat_acct_tests::{Agent, Lab, Random, agent, in_a_lab, wait_until};

const LONG: Duration = Duration::from_secs(120);
const KILLS: usize = 6;
const A_LIFE: usize = 200;
/// So many that not all may be kept, though they are compressed.
const MANY: usize = 2_000;
/// Of some 60 records.
const SIZE: u64 = 40_000;
/// And the records of a turn.
const MOST: u64 = SIZE + 64 * 1000;

/// In each life the output is rotated a few times. Whatever the agent was doing when it was killed, no
/// record is missing, and none differs from its double.
#[test]
fn by_size_through_kills() -> Result<()> {
    in_a_lab(|lab| {
        let output = output(lab)?;
        let pin = lab.bpf_dir()?.join("nat-acct");
        let pin = pin.to_str().context("not UTF-8")?;
        let size = SIZE.to_string();
        let args = ["--pin", pin, "--linger", "20ms", "--rotate-size", &size];
        let nginx = Nginx::start(lab)?;
        let mut truths = Vec::new();
        let mut random = Random::seeded();
        let mut agent = Agent::start_to_with(lab, &output, &args)?;
        for _ in 0..KILLS {
            let before = truths.len();
            agent = std::thread::scope(|scope| -> Result<Agent> {
                let traffic = scope.spawn(|| many::fetch(lab, &nginx, A_LIFE));
                let enough = before + random.below(A_LIFE as u64) as usize;
                wait_until(LONG, "records", || {
                    Ok((ids(&output)?.len() >= enough).then_some(()))
                })?;
                agent.kill()?;
                let next = Agent::start_to_with(lab, &output, &args)?;
                truths.extend(traffic.join().expect("the thread of the traffic")?);
                Ok(next)
            })?;
        }
        wait_until(LONG, "all records", || {
            Ok((ids(&output)?.len() >= truths.len()).then_some(()))
        })?;
        wait_for_tidiness(&output)?;
        let stopped = agent.stop()?;
        ensure!(stopped.status.success(), "{}", stopped.log);

        let files = files(&output)?;
        assert!(files.len() > KILLS, "{files:?}");
        for path in &files {
            let bytes = fs::metadata(path)?.len();
            assert!(bytes <= MOST, "{} has {bytes} bytes", path.display());
        }
        let records = without_duplicates(records(&files, KILLS)?)?;
        assert_same(&truths, &agent::closing(&records)?);
        Ok(())
    })
}

/// Also if nothing comes behind: what is there is of another second.
#[test]
fn by_time_and_in_order() -> Result<()> {
    in_a_lab(|lab| {
        let output = output(lab)?;
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start_to_with(lab, &output, &["--rotate-every", "1s"])?;
        let mut truths = Vec::new();
        for round in 1..4 {
            truths.extend(http::fetch_many(lab, &nginx, &Fetches::small(20))?);
            wait_until(LONG, "the records to be rotated", || {
                let is_empty = fs::metadata(&output).is_ok_and(|data| data.len() == 0);
                let all = readable(&output)?.len() == 20 * round;
                Ok((is_empty && all).then_some(()))
            })?;
        }
        wait_for_tidiness(&output)?;
        let stopped = agent.stop()?;
        ensure!(stopped.status.success(), "{}", stopped.log);
        let records = records(&files(&output)?, 0)?;
        assert_numbered(&records);
        assert_same(&truths, &agent::closing(&records)?);
        Ok(())
    })
}

#[test]
fn what_need_not_be_kept_is_removed_and_nothing_else() -> Result<()> {
    in_a_lab(|lab| {
        let output = output(lab)?;
        let beside = |name: &str| output.with_file_name(name);
        let (old, interrupted) = (
            beside("records.jsonl.20250601T000000.000Z.zst"),
            beside("records.jsonl.20250701T000000.000Z.zst.partial"),
        );
        let foreign = [
            "records.jsonl.1",
            "records.jsonl-20250601",
            "others.jsonl.20250601T000000.000Z",
            "records.jsonl.20250601T000000.000Z.gz",
        ];
        for path in [&old, &interrupted].into_iter().chain(&foreign.map(beside)) {
            fs::write(path, "{}\n")?;
        }
        let nginx = Nginx::start(lab)?;
        let size = SIZE.to_string();
        let args = [
            "--rotate-size",
            &size,
            "--keep-for",
            "90d",
            "--keep-size",
            "110KB",
        ];
        let agent = Agent::start_to_with(lab, &output, &args)?;
        wait_until(LONG, "the old files to be removed", || {
            Ok((!old.exists() && !interrupted.exists()).then_some(()))
        })?;
        http::fetch_many(lab, &nginx, &Fetches::small(MANY))?;
        wait_until(LONG, "all records and no more files than may be", || {
            let numbers = sequence(&output)?;
            let bytes: u64 = rotated(&output)?.iter().map(|path| length(path)).sum();
            let is_done = numbers.last() == Some(&(MANY as u64 - 1)) && bytes <= 110_000;
            Ok(is_done.then_some(()))
        })
        .with_context(|| agent.log())?;
        // The newest are left, without a gap.
        let left = rotated(&output)?;
        assert!(left.len() > 2, "more would have fitted: {left:?}");
        let numbers = sequence(&output)?;
        let first = *numbers.first().context("no records")?;
        assert!(first > 0, "nothing was removed");
        assert!(numbers.into_iter().eq(first..MANY as u64));
        for path in foreign.map(beside) {
            assert!(path.exists(), "{}", path.display());
        }
        assert!(
            agent
                .log()
                .contains("is removed, as it need not be kept longer")
        );
        Ok(())
    })
}

#[test]
fn what_cannot_be_rotated_is_refused() -> Result<()> {
    in_a_lab(|lab| {
        let output = output(lab)?;
        std::os::unix::fs::symlink(lab.dir().join("elsewhere"), &output)?;
        let refused = Agent::start_to_with(lab, &output, &["--rotate-size", "1MB"]);
        let said = format!("{:#}", refused.err().context("it has started")?);
        assert!(said.contains("cannot be rotated"), "{said}");
        Ok(())
    })
}

fn output(lab: &Lab) -> Result<PathBuf> {
    let dir = lab.dir().join("records");
    fs::create_dir(&dir)?;
    Ok(dir.join("records.jsonl"))
}

/// Waits until all rotated files but the newest are compressed.
fn wait_for_tidiness(output: &Path) -> Result<()> {
    wait_until(LONG, "all but the newest to be compressed", || {
        let rotated = rotated(output)?;
        let (newest, older) = rotated.split_last().context("nothing was rotated")?;
        let is_compressed = |path: &PathBuf| path.extension().is_some_and(|behind| behind == "zst");
        let all = older.iter().all(is_compressed) && !is_compressed(newest);
        Ok(all.then_some(()))
    })
}

/// What the agent has made of the output, the oldest first.
fn rotated(output: &Path) -> Result<Vec<PathBuf>> {
    let name = output.file_name().context("no name")?.to_string_lossy();
    let prefix = format!("{name}.2");
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&prefix) && !name.ends_with(".gz")
    };
    Ok(files(output)?.into_iter().filter(is_ours).collect())
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |data| data.len())
}

/// The identifiers of all records that can be read now.
fn ids(output: &Path) -> Result<BTreeSet<String>> {
    let records = readable(output)?;
    let id = |record: &serde_json::Value| record["event"]["id"].to_string();
    Ok(records.iter().map(id).collect())
}

fn sequence(output: &Path) -> Result<Vec<u64>> {
    let records = readable(output)?;
    let number = |record: &serde_json::Value| record["event"]["sequence"].as_u64();
    let numbers: BTreeSet<_> = records.iter().filter_map(number).collect();
    Ok(numbers.into_iter().collect())
}

/// While files are renamed, compressed and removed, one may be gone when it is read.
fn readable(output: &Path) -> Result<Vec<serde_json::Value>> {
    wait_until(LONG, "files that stay for a moment", || {
        let mut ours = rotated(output)?;
        ours.extend(output.exists().then(|| output.to_owned()));
        ours.retain(|path| path.extension().is_none_or(|behind| behind != "partial"));
        Ok(records(&ours, usize::MAX).ok())
    })
}
