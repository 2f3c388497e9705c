//! What passes the gateway's inside interface, as `tcpdump` captures it and
//! `tshark` reads it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::captured;
use crate::lab::{Background, INSIDE, Lab, Ns, output};
use crate::wait::{PATIENCE, wait_until};

/// Enough for all headers.
const SNAPPED: &str = "96";
/// More than a test sends while nobody reads.
const BUFFER_KIB: &str = "65536";
/// Of one of the addresses there is none.
const FIELDS: [&str; 9] = [
    "frame.time_epoch",
    "frame.len",
    "tcp.len",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
];
/// Of the header before IP.
const ETHERNET_BYTES: u64 = 14;

/// A running capture.
pub struct Capture {
    process: Background,
    file: PathBuf,
}

/// A TCP segment in a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When, in nanoseconds since 1970.
    pub time_ns: u128,
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Bytes of the IP datagram.
    pub ip_bytes: u64,
    /// Bytes of TCP payload.
    pub payload: u64,
}

impl Capture {
    /// Begins to capture on the inside.
    pub fn start(lab: &Lab) -> Result<Self> {
        let file = lab.dir().join("inside.pcap");
        let mut command = lab.command(Ns::Gateway, "tcpdump");
        command.args(["-i", INSIDE, "-s", SNAPPED, "-B", BUFFER_KIB, "-p"]);
        command
            .args([
                "--immediate-mode",
                "--time-stamp-precision=nano",
                "-U",
                "-w",
            ])
            .arg(&file);
        let process = Background::start(command, lab.dir(), "tcpdump")?;
        wait_until(PATIENCE, "the capture to begin", || {
            Ok(process.stderr().contains("listening on").then_some(()))
        })?;
        Ok(Self { process, file })
    }

    /// Ends it. The TCP segments so far, in their order; each of them is there.
    pub fn stop(mut self, lab: &Lab) -> Result<Vec<Seen>> {
        captured::wait_for_all(lab, &[INSIDE], &self.file)?;
        self.process.terminate()?;
        let said = self.process.stderr();
        let lossless = said.contains("\n0 packets dropped by kernel");
        ensure!(lossless, "the capture is not whole:\n{said}");
        read(&self.file)
    }
}

fn read(file: &Path) -> Result<Vec<Seen>> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-Y", "tcp", "-T", "fields"]);
    tshark.args(FIELDS.iter().flat_map(|field| ["-e", field]));
    let lines = output(tshark.arg("-r").arg(file))?;
    lines
        .lines()
        .map(|line| seen(line).with_context(|| format!("tshark says {line:?}")))
        .collect()
}

/// Of a line of tshark's with [`FIELDS`].
fn seen(line: &str) -> Result<Seen> {
    let fields: Vec<_> = line.split('\t').collect();
    let [time, frame, payload, v4, v6, port, to_v4, to_v6, to_port] = fields[..] else {
        anyhow::bail!("{} fields", fields.len());
    };
    let address = |v4: &str, v6: &str, port: &str| {
        let ip = if v4.is_empty() { v6 } else { v4 };
        anyhow::Ok(SocketAddr::new(ip.parse()?, port.parse()?))
    };
    let (seconds, nanoseconds) = time.split_once('.').context("no fraction")?;
    Ok(Seen {
        time_ns: seconds.parse::<u128>()? * 1_000_000_000 + nanoseconds.parse::<u128>()?,
        source: address(v4, v6, port)?,
        destination: address(to_v4, to_v6, to_port)?,
        ip_bytes: frame.parse::<u64>()? - ETHERNET_BYTES,
        payload: payload.parse()?,
    })
}
