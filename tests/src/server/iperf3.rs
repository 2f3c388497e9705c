//! iperf3's server. It serves one test at a time, so tests that run side by
//! side take one server, and one port, each.

use anyhow::{Context, Result};

use crate::lab::{Background, Lab, Ns};

/// A running `iperf3 -s`.
pub struct Iperf3 {
    server: Background,
    /// Where it listens.
    pub port: u16,
}

impl Iperf3 {
    /// iperf3's usual port.
    pub const PORT: u16 = 5201;

    /// Starts a server on this port in the remote.
    pub fn start(lab: &Lab, port: u16) -> Result<Self> {
        let mut command = lab.command(Ns::Remote, "iperf3");
        // JSON, so that a client that asks gets the server's view as JSON too.
        command.args(["-s", "--json", "-p", &port.to_string()]);
        let server = Background::start(command, lab.dir(), &format!("iperf3-{port}"))?;
        lab.wait_listening(Ns::Remote, port)
            .with_context(|| format!("iperf3 says: {}", server.stderr()))?;
        Ok(Self { server, port })
    }

    /// Leaves iperf3 to its lab.
    pub fn leave_running(self) {
        self.server.leave_running();
    }
}
