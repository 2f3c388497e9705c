//! The agent in the gateway, started as a user would start it: a command line,
//! a signal, a file of records.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::lab::{Background, INSIDE, Lab, Ns, OUTSIDE};
use crate::seccomp::{self, Bpf};
use crate::truth::Record;
use crate::wait::{PATIENCE, wait_until};

/// The name of the environment variable with the path of the agent's binary.
pub const BINARY: &str = "NAT_ACCT_BIN";
/// What it logs for each program that it moves past another one.
pub const MOVED: &str = "the program was moved next to the wire";

/// A running agent. Dropping it ends the agent.
pub struct Agent {
    process: Background,
    output: PathBuf,
}

/// What an agent that was stopped leaves.
#[derive(Debug)]
pub struct Stopped {
    /// How it ended.
    pub status: ExitStatus,
    /// All its records.
    pub records: Vec<Value>,
    /// Its log.
    pub log: String,
}

impl Agent {
    /// Starts `nat-acct run --inside br0 --outside eth1 --output FILE` with
    /// these further arguments, and waits until it has attached.
    pub fn start(lab: &Lab, args: &[&str]) -> Result<Self> {
        Self::start_binary(lab, &binary()?, args)
    }

    /// The same with this binary.
    pub fn start_binary(lab: &Lab, binary: &Path, args: &[&str]) -> Result<Self> {
        let run = ["run", "--inside", INSIDE, "--outside", OUTSIDE];
        let mut agent = Self::spawn(lab, binary, &[&run, args].concat())?;
        agent.wait_attached()?;
        Ok(agent)
    }

    /// Starts a binary (which may also be one that starts the agent, such as
    /// `setpriv`) with nothing but these arguments and an `--output`, and does
    /// not wait.
    pub fn spawn(lab: &Lab, binary: &Path, args: &[&str]) -> Result<Self> {
        let mut command = lab.command(Ns::Gateway, binary);
        command.args(args);
        Self::spawn_command(lab, command)
    }

    /// The same with a command that is complete but for its `--output`.
    pub fn spawn_command(lab: &Lab, command: Command) -> Result<Self> {
        let name = fresh_name();
        let output = lab.dir().join(format!("{name}.jsonl"));
        Self::spawn_to(lab, command, &output, &name)
    }

    /// Starts `nat-acct run --inside br0 --outside eth1` with this file as its
    /// `--output`, and waits until it has attached.
    pub fn start_to(lab: &Lab, output: &Path) -> Result<Self> {
        Self::start_to_with(lab, output, &[])
    }

    /// The same with these further arguments.
    pub fn start_to_with(lab: &Lab, output: &Path, args: &[&str]) -> Result<Self> {
        let mut command = lab.command(Ns::Gateway, binary()?);
        command.args(["run", "--inside", INSIDE, "--outside", OUTSIDE]);
        command.args(args);
        let mut agent = Self::spawn_to(lab, command, output, &fresh_name())?;
        agent.wait_attached()?;
        Ok(agent)
    }

    fn spawn_to(lab: &Lab, mut command: Command, output: &Path, name: &str) -> Result<Self> {
        command.arg("--output").arg(output);
        Ok(Self {
            process: Background::start(command, lab.dir(), name)?,
            output: output.to_owned(),
        })
    }

    /// Starts it on a kernel that lacks something, and waits until it has
    /// attached.
    pub fn start_on(lab: &Lab, kernel: Bpf, args: &[&str]) -> Result<Self> {
        let mut command = lab.command(Ns::Gateway, binary()?);
        command
            .args(["run", "--inside", INSIDE, "--outside", OUTSIDE])
            .args(args);
        seccomp::restrict(&mut command, kernel);
        let mut agent = Self::spawn_command(lab, command)?;
        agent.wait_attached()?;
        Ok(agent)
    }

    /// Waits for the log line that says that it is ready.
    pub fn wait_attached(&mut self) -> Result<()> {
        wait_until(PATIENCE, "the agent to attach", || {
            if self.log().lines().any(|line| line.contains("attached")) {
                return Ok(Some(()));
            }
            match self.process.ended()? {
                Some(status) => bail!("the agent ended ({status}):\n{}", self.log()),
                None => Ok(None),
            }
        })
        .with_context(|| format!("the agent says:\n{}", self.log()))
    }

    /// The process itself, for signals and for its id.
    pub fn process(&mut self) -> &mut Background {
        &mut self.process
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// The file it writes to.
    #[must_use]
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// The records so far. A last line in the writing is left for the next time;
    /// any other line that is not JSON is an error.
    pub fn records(&self) -> Result<Vec<Value>> {
        let text = self.text()?;
        parse(text.rsplit_once('\n').map_or("", |(whole, _)| whole))
    }

    /// Waits until there are at least so many records.
    pub fn wait_for_records(&self, count: usize, deadline: Duration) -> Result<Vec<Value>> {
        wait_until(deadline, &format!("{count} records"), || {
            let records = self.records()?;
            Ok((records.len() >= count).then_some(records))
        })
        .with_context(|| {
            format!(
                "the agent has {:?} and says:\n{}",
                self.records(),
                self.log()
            )
        })
    }

    /// Waits until there are so many closing records and returns all there are,
    /// in the words of the lab.
    pub fn wait_for_closing(&self, count: usize, deadline: Duration) -> Result<Vec<Record>> {
        closing(&self.wait_for_records(count, deadline)?)
    }

    /// Waits for a record and stops. It must be the only one, and nothing must
    /// have been lost.
    pub fn stop_with_one_record(self) -> Result<Record> {
        self.wait_for_records(1, PATIENCE)?;
        let stopped = self.stop()?;
        let mut records = closing(&stopped.records)?;
        ensure!(records.len() == 1, "not one record: {records:#?}");
        ensure!(!stopped.log.contains("WARN"), "{}", stopped.log);
        Ok(records.remove(0))
    }

    /// SIGKILL. Returns its records so far.
    pub fn kill(mut self) -> Result<Vec<Value>> {
        self.process.signal(Signal::SIGKILL)?;
        self.process.wait(PATIENCE)?;
        self.records()
    }

    /// SIGTERM, and what the agent leaves. An agent that does not end in time is
    /// an error.
    pub fn stop(self) -> Result<Stopped> {
        self.stop_by(&[Signal::SIGTERM])
    }

    /// The same by these signals, one right after the other.
    pub fn stop_by(mut self, signals: &[Signal]) -> Result<Stopped> {
        for &signal in signals {
            self.process.signal(signal)?;
        }
        let waited = self.process.wait(PATIENCE);
        let status = waited.with_context(|| format!("after {signals:?}"))?;
        Ok(Stopped {
            status,
            records: parse(&self.text()?)?,
            log: self.log(),
        })
    }

    fn text(&self) -> Result<String> {
        match fs::read_to_string(&self.output) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            text => Ok(text?),
        }
    }
}

fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("agent-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The closing records among these, in the words of the lab.
pub fn closing(records: &[Value]) -> Result<Vec<Record>> {
    records
        .iter()
        .filter(|record| Record::is_end(record))
        .map(Record::read)
        .collect()
}

/// The agent's binary: what the environment names, else what was built beside
/// this program, the newer one of debug and release.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(BINARY).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let this = std::env::current_exe()?;
    // target/debug/xtask, target/debug/deps/some_test-0123456789abcdef
    let target = this
        .ancestors()
        .find(|dir| {
            dir.file_name() == Some(OsStr::new("debug"))
                || dir.file_name() == Some(OsStr::new("release"))
        })
        .and_then(Path::parent)
        .context("no target directory above this program")?;
    ["debug", "release"]
        .map(|profile| target.join(profile).join("nat-acct"))
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok())
        .with_context(|| {
            format!(
                "no nat-acct in {}: run `cargo xtask test`",
                target.display()
            )
        })
}

/// The records in a text. A line that is not JSON is an error.
pub fn parse(text: &str) -> Result<Vec<Value>> {
    let line = |line: &str| serde_json::from_str(line).with_context(|| format!("not JSON: {line}"));
    text.lines().map(line).collect()
}
