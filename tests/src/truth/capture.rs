//! What passes the gateway's inside interface, as `tcpdump` captures it and
//! `tshark` reads it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::lab::{Background, Family, INSIDE, Lab, Ns, output};
use crate::wait::{PATIENCE, wait_until};

/// Enough for all headers.
const SNAPPED: &str = "96";
/// More than a test sends while nobody reads.
const BUFFER_KIB: &str = "65536";
/// What the last packet of a capture says.
const LAST: &[u8] = b"end of the capture";
/// Where it is looked for: the end of the file.
const END_BYTES: usize = 10_000;
/// RFC 863.
const DISCARD_PORT: u16 = 9;

/// A running capture.
pub struct Capture {
    process: Background,
    file: PathBuf,
}

/// A TCP segment in a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Bytes of the frame.
    pub frame_bytes: u64,
    /// Bytes of TCP payload.
    pub payload: u64,
}

impl Capture {
    /// Begins to capture on the inside.
    pub fn start(lab: &Lab) -> Result<Self> {
        let file = lab.dir().join("inside.pcap");
        let mut command = lab.command(Ns::Gateway, "tcpdump");
        command.args(["-i", INSIDE, "-s", SNAPPED, "-B", BUFFER_KIB, "-p"]);
        command.args(["--immediate-mode", "-U", "-w"]).arg(&file);
        let process = Background::start(command, lab.dir(), "tcpdump")?;
        wait_until(PATIENCE, "the capture to begin", || {
            Ok(process.stderr().contains("listening on").then_some(()))
        })?;
        Ok(Self { process, file })
    }

    /// Ends it. The TCP segments so far, in their order; each of them is there.
    pub fn stop(mut self, lab: &Lab) -> Result<Vec<Seen>> {
        self.wait_for_all(lab)?;
        self.process.stop()?;
        let said = self.process.stderr();
        let lossless = said.contains("\n0 packets dropped by kernel");
        ensure!(lossless, "the capture is not whole:\n{said}");
        read(&self.file)
    }

    /// Packets may still wait to be written: sends one more, and waits until it is
    /// in the file.
    fn wait_for_all(&self, lab: &Lab) -> Result<()> {
        lab.enter(Ns::Gateway, || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.send_to(LAST, (Ns::Client1.address(Family::V4), DISCARD_PORT))?;
            Ok(())
        })?;
        wait_until(PATIENCE, "the end of the capture", || {
            let file = fs::read(&self.file)?;
            let end = &file[file.len().saturating_sub(END_BYTES)..];
            let is_there = end.windows(LAST.len()).any(|bytes| bytes == LAST);
            Ok(is_there.then_some(()))
        })
    }
}

fn read(file: &Path) -> Result<Vec<Seen>> {
    let mut tshark = Command::new("tshark");
    tshark
        .args(["-n", "-Y", "tcp", "-T", "fields", "-r"])
        .arg(file);
    for field in [
        "ip.src",
        "ipv6.src",
        "tcp.srcport",
        "ip.dst",
        "ipv6.dst",
        "tcp.dstport",
    ] {
        tshark.args(["-e", field]);
    }
    tshark.args(["-e", "frame.len", "-e", "tcp.len"]);
    let lines = output(&mut tshark)?;
    lines
        .lines()
        .map(|line| seen(line).with_context(|| format!("tshark says {line:?}")))
        .collect()
}

fn seen(line: &str) -> Result<Seen> {
    let fields: Vec<_> = line.split('\t').collect();
    let [
        source_v4,
        source_v6,
        source_port,
        v4,
        v6,
        port,
        frame,
        payload,
    ] = fields[..]
    else {
        anyhow::bail!("{} fields", fields.len());
    };
    let address = |v4: &str, v6: &str, port: &str| {
        let ip = if v4.is_empty() { v6 } else { v4 };
        anyhow::Ok(SocketAddr::new(ip.parse()?, port.parse()?))
    };
    Ok(Seen {
        source: address(source_v4, source_v6, source_port)?,
        destination: address(v4, v6, port)?,
        frame_bytes: frame.parse()?,
        payload: payload.parse()?,
    })
}
