//! What a program takes: time, CPU and memory. The kernel tells the peak of all children of a
//! process, so each program gets a parent of its own: this program once more.

use std::{
    fs::File,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use super::machine::cpu_to_measure_on;
use crate::process::{Cmd, root};

const LOOK: Duration = Duration::from_millis(1);

#[derive(clap::Args)]
pub struct Args {
    /// After so many seconds it is stopped
    #[arg(long)]
    limit: u64,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

/// What a program took.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub wall_s: f64,
    /// In user and kernel space, of all threads.
    pub cpu_s: f64,
    pub peak_bytes: u64,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed,
    /// It took too long.
    Stopped,
}

/// Runs a program on one CPU. Its standard output is lost, standard error goes to `log`.
pub fn measure(cmd: &Cmd, limit: Duration, log: &File) -> Result<Measured> {
    let this = std::env::current_exe()?;
    let output = Command::new(this)
        .args(["bench", "measure", "--limit", &limit.as_secs().to_string()])
        .args(["--", "taskset", "-c", &cpu_to_measure_on().to_string()])
        .arg(&cmd.program)
        .args(&cmd.args)
        .envs(cmd.env.iter().cloned())
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(log.try_clone()?)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value: Value = serde_json::from_str(&text).with_context(|| format!("cannot run {cmd}"))?;
    Measured::from_json(&value).with_context(|| format!("cannot understand {value}"))
}

/// The other side of [`measure`].
pub fn run(args: &Args) -> Result<()> {
    let begun = Instant::now();
    let child = Command::new(&args.command[0])
        .args(&args.command[1..])
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", args.command[0]))?;
    let status = wait(child, begun + Duration::from_secs(args.limit))?;
    let wall_s = begun.elapsed().as_secs_f64();
    let outcome = match status {
        Some(status) if status.success() => "done",
        Some(_) => "failed",
        None => "stopped",
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu_us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let told = json!({
        "wall_s": wall_s,
        "cpu_s": cpu_us as f64 / 1e6,
        "peak_bytes": usage.max_rss() * 1024,
        "outcome": outcome,
    });
    println!("{told}");
    Ok(())
}

/// Waits for the end, or brings it about.
fn wait(mut child: Child, until: Instant) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

impl Measured {
    fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            wall_s: value["wall_s"].as_f64()?,
            cpu_s: value["cpu_s"].as_f64()?,
            peak_bytes: value["peak_bytes"].as_u64()?,
            outcome: match value["outcome"].as_str()? {
                "done" => Outcome::Done,
                "stopped" => Outcome::Stopped,
                _ => Outcome::Failed,
            },
        })
    }
}
