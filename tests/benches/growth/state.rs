//! An agent that has as many open connections as it has room for.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::{Agent, Lab, crowd, maps, processor, scrape, used, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::{kernel, records};

/// For the events of all openings, so that none is lost even if the agent has to wait for a processor.
const RING_BYTES: u32 = 1 << 28;
/// An agent that ends has all records to write.
const ENDING: Duration = Duration::from_secs(300);

pub struct Agency<'a> {
    lab: &'a Lab,
    agent: Agent,
    connections: u32,
    /// What opening them has added to its own memory.
    own_bytes: u64,
}

impl<'a> Agency<'a> {
    /// Starts an agent and opens connections.
    pub fn open(lab: &'a Lab, connections: u32, cpu: usize) -> Result<Self> {
        crowd::make_interfaces(lab)?;
        let config = lab.dir().join("nat-acct.toml");
        fs::write(&config, format!("ring-bytes = {RING_BYTES}\n"))?;
        let config = config.display().to_string();
        let mut agent = crowd::agent(lab, connections, &["--config", &config])?;
        processor::keep_on(agent.process().pid(), cpu)?;
        let own_bytes = crowd::fill(lab, &mut agent, connections)?;
        Ok(Self {
            lab,
            agent,
            connections,
            own_bytes,
        })
    }

    /// What it takes, in one line.
    pub fn measure(&mut self, idle: Duration, sweeps: u32) -> Result<Value> {
        let pid = self.agent.process().pid();
        let idle_s = self.idle(idle)?;
        let sweeps: Vec<_> = (0..sweeps).map(|_| self.sweep()).collect::<Result<_>>()?;
        let all =
            |name: &str| -> Vec<_> { sweeps.iter().map(|sweep| sweep[name].clone()).collect() };
        Ok(json!({
            "connections": self.connections,
            "own_bytes": self.own_bytes,
            "maps": kernel::of_maps(&maps::held_by(pid)?)?,
            "idle_s": idle.as_secs_f64(),
            "idle_processor_s": idle_s,
            "sweep_s": all("sweep_s"),
            "sweep_processor_s": all("sweep_processor_s"),
            "sweep_longest_part_s": all("sweep_longest_part_s"),
        }))
    }

    /// Ends it, and looks at all records.
    pub fn check(mut self) -> Result<()> {
        ensure!(!self.agent.log().contains("WARN"), "{}", self.agent.log());
        self.agent.process().signal(Signal::SIGTERM)?;
        let status = self.agent.process().wait(ENDING)?;
        ensure!(status.success(), "{status}: {}", self.agent.log());
        records::check(self.agent.output(), self.connections)
    }

    /// The seconds of a processor that it takes in so long a time.
    fn idle(&mut self, idle: Duration) -> Result<f64> {
        let pid = self.agent.process().pid();
        let before = used::processor_time(pid)?;
        std::thread::sleep(idle);
        Ok((used::processor_time(pid)? - before).as_secs_f64())
    }

    /// Has it read its configuration again, after which it looks at everything, and waits until it has.
    fn sweep(&mut self) -> Result<Value> {
        let pid = self.agent.process().pid();
        let sweeps = self.metric("nat_acct_sweeps_total")?;
        let before = used::processor_time(pid)?;
        self.agent.process().signal(Signal::SIGHUP)?;
        wait_until(ENDING, "the end of a sweep", || {
            // Asking takes time of the agent, too.
            std::thread::sleep(Duration::from_millis(500));
            let is_over = self.metric("nat_acct_sweeps_total")? > sweeps;
            Ok(is_over.then_some(()))
        })?;
        let took = used::processor_time(pid)? - before;
        Ok(json!({
            "sweep_s": self.metric("nat_acct_sweep_seconds")?,
            "sweep_processor_s": took.as_secs_f64(),
            "sweep_longest_part_s": self.metric("nat_acct_sweep_longest_part_seconds")?,
        }))
    }

    fn metric(&self, name: &str) -> Result<f64> {
        scrape::value(&scrape::scrape_in(self.lab, crowd::NS)?, name)
    }
}
