//! Runs the programs in turns, so that whatever else the machine does meets all of them.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::contestants::{Contestant, Role};
use super::records;
use crate::bench::measure::{Measured, Outcome, measure};

/// A program that needs longer for one round is stopped, and not run again.
const LIMIT: Duration = Duration::from_secs(300);

/// A program with its runs. One that failed was not run again, so the last one tells.
pub struct Ran {
    pub contestant: Contestant,
    pub runs: Vec<Measured>,
}

pub fn run(contestants: Vec<Contestant>, rounds: u32, scratch: &Path) -> Result<Vec<Ran>> {
    let ran = |contestant| Ran {
        contestant,
        runs: Vec::new(),
    };
    let mut all: Vec<_> = contestants.into_iter().map(ran).collect();
    for round in 1..=rounds {
        println!("==> round {round} of {rounds}");
        for one in &mut all {
            one.run_once(scratch)?;
        }
    }
    Ok(all)
}

impl Ran {
    /// How the program ended; `None` if it is missing.
    pub fn outcome(&self) -> Option<Outcome> {
        self.runs.last().map(|run| run.outcome)
    }

    fn run_once(&mut self, scratch: &Path) -> Result<()> {
        let contestant = &self.contestant;
        let Some(cmd) = &contestant.cmd else {
            return Ok(());
        };
        if self
            .outcome()
            .is_some_and(|outcome| outcome != Outcome::Done)
        {
            return Ok(());
        }
        let log = scratch.join(format!("{}.log", file_name(contestant.name)));
        if let Some(writes) = &contestant.writes {
            let _ = fs::remove_file(writes);
        }
        let measured = measure(cmd, LIMIT, &File::create(&log)?)?;
        println!(
            "    {:<30} {:8.2} s {:10.1} MB",
            contestant.name,
            measured.wall_s,
            measured.peak_bytes as f64 / 1e6
        );
        if let (Role::Ours(truth), Some(records)) = (&contestant.role, &contestant.writes) {
            let is_done = measured.outcome == Outcome::Done;
            ensure!(is_done, "`{cmd}` failed; see {}", log.display());
            records::check(records, truth).with_context(|| format!("`{cmd}` was wrong"))?;
        }
        self.runs.push(measured);
        Ok(())
    }
}

fn file_name(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}
