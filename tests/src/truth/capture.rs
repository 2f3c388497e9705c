//! What passes the gateway's inside interface, as `tcpdump` captures it and
//! `tshark` reads it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::lab::{INSIDE, Lab, output};
use crate::tcpdump::Tcpdump;

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
pub struct Capture(Tcpdump);

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
        Tcpdump::start(lab, INSIDE, &["-p", "--time-stamp-precision=nano"]).map(Self)
    }

    /// Ends it. The TCP segments so far, in their order; each of them is there.
    pub fn stop(self, lab: &Lab) -> Result<Vec<Seen>> {
        read(&self.0.stop(lab)?)
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
