//! iperf3 through the gateway, both ends on the CPU of the gateway.

use std::time::Duration;

use anyhow::{Context, Result};
use nat_acct_tests::{Background, Family, Lab, Ns};
use serde_json::Value;

use crate::bench::gateway::{Clock, of_children};

const PORT: u16 = 5201;

pub struct Iperf3 {
    /// It ends with this.
    _server: Background,
    clock: Clock,
    cpu: usize,
}

pub struct Transfer {
    pub bits_per_second: f64,
    pub bits: f64,
    /// What both ends took.
    pub cpu: Duration,
}

impl Iperf3 {
    pub fn start(lab: &Lab, cpu: usize) -> Result<Self> {
        let mut command = lab.command(Ns::Remote, "taskset");
        command.args([
            "-c",
            &cpu.to_string(),
            "iperf3",
            "-s",
            "-p",
            &PORT.to_string(),
        ]);
        let server = Background::start(command, lab.dir(), "iperf3-server")?;
        lab.wait_listening(Ns::Remote, PORT)?;
        Ok(Self {
            clock: Clock::of(server.pid())?,
            _server: server,
            cpu,
        })
    }

    /// A download by the first client, of so many bytes in iperf3's own words.
    pub fn download(&self, lab: &Lab, bytes: &str) -> Result<Transfer> {
        let remote = Ns::Remote.address(Family::V4);
        let command = format!(
            "taskset -c {} iperf3 -c {remote} -p {PORT} -R -n {bytes} --json",
            self.cpu
        );
        let before = self.clock.read()? + of_children()?;
        let said = lab.run(Ns::Client1, &command)?;
        let cpu = self.clock.read()? + of_children()? - before;
        let report: Value = serde_json::from_str(&said)?;
        let number = |name: &str| {
            let value = report.pointer(&format!("/end/sum_received/{name}"));
            let value = value.and_then(Value::as_f64);
            value.with_context(|| format!("no {name} in what iperf3 says: {report}"))
        };
        Ok(Transfer {
            bits_per_second: number("bits_per_second")?,
            bits: 8.0 * number("bytes")?,
            cpu,
        })
    }
}
