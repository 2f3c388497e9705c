//! One program in the gateway: how many connections are made while it runs, what CPU it takes for
//! each, and how many it has recorded.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nat_acct_tests::{Lab, Ns};

use super::load;
use super::recorded::{self, Lines};
use crate::bench::gateway::{Clock, Running, kernel_thread};

/// Nothing is recorded later: the agent waits a second for stragglers.
const RECORDING: Duration = Duration::from_millis(1_200);
/// So often in a row no line has come: then none will.
const MOST_IDLE: u32 = 3;

pub struct Figures {
    pub per_second: f64,
    /// Of everything: clients, remotes, gateway and program.
    pub cpu_us: f64,
    /// Of the program.
    pub program_cpu_us: f64,
    /// `None` if nothing was to record them.
    pub recorded: Option<f64>,
}

/// What stays the same for all programs.
pub struct Bench<'a> {
    lab: &'a Lab,
    connections: u32,
    /// How often they were made.
    runs: Cell<u16>,
    kernel_thread: Clock,
    this: Clock,
}

impl<'a> Bench<'a> {
    pub fn new(lab: &'a Lab, connections: u32, cpu: usize) -> Result<Self> {
        load::make_hosts(lab)?;
        Ok(Self {
            lab,
            connections,
            runs: Cell::new(0),
            kernel_thread: kernel_thread(cpu)?,
            this: Clock::of(std::process::id())?,
        })
    }

    pub fn measure(
        &self,
        mut running: Running,
        lines: Option<&Lines>,
    ) -> Result<(Figures, String)> {
        let ours = running.records().map(Lines::of_records);
        let lines = ours.as_ref().or(lines);
        let before = lines.map_or(Ok(0), Lines::count)?;
        let program = running.cpu()?;
        let others = self.kernel_thread.read()? + self.this.read()?;
        let begun = Instant::now();
        let clients = load::run(self.lab, self.runs.get(), self.connections)?;
        let wall = begun.elapsed();
        self.runs.set(self.runs.get() + 1);
        let others = self.kernel_thread.read()? + self.this.read()? - others;
        // The kernel tells of an ending when it forgets a connection: otherwise after two minutes.
        self.lab.run(Ns::Gateway, "conntrack --flush")?;
        let program = match lines {
            Some(lines) => wait_for_records(&mut running, lines, before + clients.len())? - program,
            None => Duration::ZERO,
        };
        running.have_it_write()?;
        let recorded = match (running.stop()?, lines) {
            (Some(stopped), _) => Some(recorded::check(&stopped, &clients)?),
            (None, Some(lines)) => Some(lines.count()? - before),
            (None, None) => None,
        };
        ensure!(recorded != Some(0), "it has recorded nothing");
        let made = clients.len() as f64;
        let cpu_us = |cpu: Duration| cpu.as_secs_f64() * 1e6 / made;
        let figures = Figures {
            per_second: made / wall.as_secs_f64(),
            cpu_us: cpu_us(others + program),
            program_cpu_us: cpu_us(program),
            recorded: recorded.map(|recorded| recorded as f64 / made),
        };
        let said = figures.to_string();
        Ok((figures, said))
    }
}

/// Waits for so many lines, as long as some come; the CPU time of the program then. One that others
/// keep from the CPU looks idle, and is not done.
fn wait_for_records(running: &mut Running, lines: &Lines, wanted: usize) -> Result<Duration> {
    let mut found = 0;
    let mut idle = 0;
    while found < wanted && idle < MOST_IDLE {
        running.settle(RECORDING)?;
        let now = lines.count()?;
        idle = if now == found { idle + 1 } else { 0 };
        found = now;
    }
    running.cpu()
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:7.0} connections/s {:7.1} µs CPU, {:5.1} of the program",
            self.per_second, self.cpu_us, self.program_cpu_us
        )?;
        self.recorded.map_or(Ok(()), |share| {
            write!(f, ", {:5.1} % recorded", share * 100.0)
        })
    }
}
