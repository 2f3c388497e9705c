//! A capture of one interface of the gateway, by `tcpdump`.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::captured;
use crate::lab::{Background, Lab, Ns};
use crate::wait::{PATIENCE, wait_until};

/// Enough for all headers.
const SNAPPED: &str = "96";
/// More than a test sends while nobody reads.
const BUFFER_KIB: &str = "65536";

/// A running tcpdump. Dropping it ends it.
pub struct Tcpdump {
    process: Background,
    interface: &'static str,
    file: PathBuf,
}

impl Tcpdump {
    /// Begins to capture what passes an interface, with these options besides.
    pub fn start(lab: &Lab, interface: &'static str, options: &[&str]) -> Result<Self> {
        let file = lab.dir().join(format!("{interface}.pcap"));
        let mut command = lab.command(Ns::Gateway, "tcpdump");
        command.args(["-i", interface, "-s", SNAPPED, "-B", BUFFER_KIB]);
        command.args(options);
        command.args(["--immediate-mode", "-U", "-w"]).arg(&file);
        let process = Background::start(command, lab.dir(), &format!("tcpdump-{interface}"))?;
        wait_until(PATIENCE, "tcpdump to listen", || {
            Ok(process.stderr().contains("listening on").then_some(()))
        })?;
        Ok(Self {
            process,
            interface,
            file,
        })
    }

    /// Ends it, and tells where the capture is. All that has passed so far is there.
    pub fn stop(mut self, lab: &Lab) -> Result<PathBuf> {
        captured::wait_for_all(lab, &[self.interface], &self.file)?;
        self.process.terminate()?;
        let said = self.process.stderr();
        let lossless = said.contains("\n0 packets dropped by kernel");
        ensure!(lossless, "the capture is not whole:\n{said}");
        Ok(self.file)
    }
}
