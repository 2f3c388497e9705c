//! A program that runs in the gateway.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nat_acct_tests::agent::Stopped;
use nat_acct_tests::lab::foreign::{self, Foreign};
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::{Agent, Background, Lab, Ns, wait_until};
use nix::sys::signal::Signal;

use super::contestant::{Contestant, Program};
use super::cpu::Clock;
use super::ready::Ready;
use crate::process::Cmd;

/// How long a program may take until it is ready.
const STARTING: Duration = Duration::from_secs(20);
const ENDING: Duration = Duration::from_secs(10);
const WRITING: Duration = Duration::from_secs(10);

/// `TC_ACT_UNSPEC` of include/uapi/linux/pkt_cls.h.
const GO_ON: i32 = -1;

/// A program that takes less of the CPU is idle.
const IDLE_SHARE: u32 = 50;
/// One that is not idle then never is.
const MOST_LOOKS: u32 = 25;

pub struct Running {
    process: Process,
    /// `None` if nothing runs.
    clock: Option<Clock>,
}

enum Process {
    /// What is attached goes with it.
    None {
        _attached: Vec<Foreign>,
    },
    Agent(Agent),
    Peer(Background),
}

impl Running {
    /// Starts it on a CPU, and waits until it is ready.
    pub fn start(lab: &Lab, contestant: &Contestant, cpu: usize) -> Result<Self> {
        let pinned = |program: &str| {
            let mut command = lab.command(Ns::Gateway, "taskset");
            command.args(["-c", &cpu.to_string(), program]);
            command
        };
        match &contestant.program {
            Program::Nothing => Ok(Self::without_process(Vec::new())),
            Program::EmptyPrograms => {
                let empty = foreign::returns(GO_ON);
                foreign::attach_everywhere(lab, &empty).map(Self::without_process)
            }
            Program::Agent(binary) => {
                let mut command = pinned(&binary.display().to_string());
                command.args(["run", "--inside", INSIDE, "--outside", OUTSIDE]);
                let mut agent = Agent::spawn_command(lab, command)?;
                agent.wait_attached()?;
                Ok(Self {
                    clock: Some(Clock::of(agent.process().pid())?),
                    process: Process::Agent(agent),
                })
            }
            Program::Peer(cmd, ready) => peer(lab, contestant.name, cmd, *ready, pinned),
            Program::Missing => bail!("it is not installed"),
        }
    }

    fn without_process(attached: Vec<Foreign>) -> Self {
        Self {
            process: Process::None {
                _attached: attached,
            },
            clock: None,
        }
    }

    /// The CPU time that it has taken. That it no longer runs is an error.
    pub fn cpu(&mut self) -> Result<Duration> {
        let ended = match &mut self.process {
            Process::None { .. } => return Ok(Duration::ZERO),
            Process::Agent(agent) => agent.process().ended()?,
            Process::Peer(process) => process.ended()?,
        };
        if let Some(status) = ended {
            bail!("it has ended ({status})");
        }
        self.clock.as_ref().context("it has no clock")?.read()
    }

    /// Waits until it has nothing to do any more: in such a time it takes hardly any CPU. What it has
    /// taken until then.
    pub fn settle(&mut self, time: Duration) -> Result<Duration> {
        let mut last = self.cpu()?;
        for _ in 0..MOST_LOOKS {
            sleep(time);
            let now = self.cpu()?;
            if now - last < time / IDLE_SHARE {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    /// Ends it, but not those that it has started; what the agent leaves.
    pub fn stop(self) -> Result<Option<Stopped>> {
        match self.process {
            Process::None { .. } => Ok(None),
            Process::Agent(agent) => {
                let stopped = agent.stop()?;
                let status = stopped.status;
                ensure!(status.success(), "{status}: {}", stopped.log);
                Ok(Some(stopped))
            }
            Process::Peer(mut process) => {
                process.signal(Signal::SIGKILL)?;
                process.wait(ENDING)?;
                Ok(None)
            }
        }
    }

    /// The agent's file of records.
    pub fn records(&self) -> Option<&Path> {
        match &self.process {
            Process::Agent(agent) => Some(agent.output()),
            Process::None { .. } | Process::Peer(_) => None,
        }
    }

    /// Has a program of others write what it holds back, by the signal to end, which some obey only
    /// when the next packet comes.
    pub fn have_it_write(&mut self) -> Result<()> {
        if let Process::Peer(process) = &mut self.process {
            process.signal(Signal::SIGTERM)?;
            let _ = process.wait(WRITING);
        }
        Ok(())
    }
}

fn peer(
    lab: &Lab,
    name: &str,
    cmd: &Cmd,
    ready: Ready,
    pinned: impl Fn(&str) -> std::process::Command,
) -> Result<Running> {
    wait_until(ENDING, "the end of the program before", || {
        Ok((ready.found(lab)? == 0).then_some(()))
    })?;
    let mut command = pinned(&cmd.program);
    command.args(&cmd.args);
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut process = Background::start(command, lab.dir(), &name)?;
    wait_until(STARTING, "the program to be ready", || {
        if let Some(status) = process.ended()? {
            bail!("it has ended ({status})");
        }
        Ok((ready.found(lab)? >= ready.wanted()).then_some(()))
    })
    .with_context(|| format!("`{cmd}` says: {}{}", process.stdout(), process.stderr()))?;
    Ok(Running {
        clock: Some(Clock::of(process.pid())?),
        process: Process::Peer(process),
    })
}
