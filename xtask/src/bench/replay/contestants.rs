//! The programs that read the captures, and how each is run so that it does what is nearest to ours.
//! Those that read one capture get the inside one, in which all bytes are: that is in their favour.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::bench::packages;
use crate::bench::traffic::{Captures, GATEWAY, INSIDE_GATEWAY, INSIDE_PREFIX, Sums};
use crate::process::{Cmd, find};

pub const OURS: &str = "nat-acct replay";
pub const LONGER: &str = "nat-acct replay, captures 4 times as long";

pub struct Contestant {
    pub name: &'static str,
    pub package: Option<&'static str>,
    /// `None` if the program is missing.
    pub cmd: Option<Cmd>,
    /// Of all captures that it reads.
    pub packets: u64,
    /// What it writes, if that has to be empty before.
    pub writes: PathBuf,
    /// What its records have to add up to, if it is ours.
    pub truth: Option<Sums>,
    pub remark: &'static str,
}

const PROGRAMS: [(&str, &str); 4] = [
    ("natlog", "natlog"),
    ("tshark", "tshark"),
    ("softflowd", "softflowd"),
    ("nfpcapd", "nfdump"),
];

/// Ours only, and the floor.
pub fn ours(
    agent: &Path,
    captures: &Captures,
    longer: &Captures,
    scratch: &Path,
) -> Vec<Contestant> {
    vec![
        cat(captures),
        nat_acct(OURS, agent, captures, scratch),
        nat_acct(LONGER, agent, longer, scratch),
    ]
}

/// Ours and the others, which are installed where they are missing.
pub fn all(
    agent: &Path,
    captures: &Captures,
    longer: &Captures,
    scratch: &Path,
    receiver: &UdpSocket,
) -> Result<Vec<Contestant>> {
    packages::install(&PROGRAMS);
    let mut all = ours(agent, captures, longer, scratch);
    all.extend([
        natlog(captures, scratch),
        tshark(captures),
        softflowd(captures, receiver)?,
        nfpcapd(captures, scratch),
    ]);
    Ok(all)
}

/// What every program has to do at least.
fn cat(captures: &Captures) -> Contestant {
    Contestant {
        name: "cat",
        package: Some("coreutils"),
        cmd: Some(
            Cmd::new("cat")
                .arg(path(&captures.inside))
                .arg(path(&captures.outside)),
        ),
        packets: captures.packets(),
        writes: PathBuf::new(),
        truth: None,
        remark: "reads both captures and does nothing",
    }
}

fn nat_acct(name: &'static str, agent: &Path, captures: &Captures, scratch: &Path) -> Contestant {
    let writes = scratch.join("records.json");
    let cmd = Cmd::new(&path(agent))
        .args(["replay", "--inside", &path(&captures.inside)])
        .args(["--outside", &path(&captures.outside)])
        .args(["--output", &path(&writes)]);
    Contestant {
        name,
        package: None,
        cmd: Some(cmd),
        packets: captures.packets(),
        writes,
        truth: Some(captures.truth),
        remark: "both captures to records",
    }
}

fn natlog(captures: &Captures, scratch: &Path) -> Contestant {
    let writes = scratch.join("natlog.csv");
    let cmd = Cmd::new("natlog --no-daemon --config /dev/null --log off")
        .arg(format!("--log-data={}", path(&writes)))
        .arg(path(&captures.inside))
        .args([&INSIDE_GATEWAY.to_string(), &format!("/{INSIDE_PREFIX}")].map(String::as_str))
        .arg(path(&captures.outside))
        .args([&GATEWAY.to_string(), "/24"]);
    Contestant {
        name: "natlog, files of tcpdump",
        package: Some("natlog"),
        cmd: present(cmd),
        packets: captures.packets(),
        writes,
        truth: None,
        remark: "both captures to lines of a table",
    }
}

fn tshark(captures: &Captures) -> Contestant {
    let cmd = Cmd::new("tshark -n -q -z conv,tcp -r").arg(path(&captures.inside));
    Contestant {
        name: "tshark -q -z conv,tcp",
        package: Some("tshark"),
        cmd: present(cmd),
        packets: captures.truth.packets,
        writes: PathBuf::new(),
        truth: None,
        remark: "the inside capture to a table of conversations",
    }
}

/// Twice as many flows as connections at a time: flows are kept after their end.
fn softflowd(captures: &Captures, receiver: &UdpSocket) -> Result<Contestant> {
    let flows = 2 * captures.plan.connections;
    let cmd = Cmd::new("softflowd -d -v 9")
        .args(["-m", &flows.to_string()])
        .args(["-n", &receiver.local_addr()?.to_string()])
        .args(["-r", &path(&captures.inside)]);
    Ok(Contestant {
        name: "softflowd",
        package: Some("softflowd"),
        cmd: present(cmd),
        packets: captures.truth.packets,
        writes: PathBuf::new(),
        truth: None,
        remark: "the inside capture to NetFlow 9, which is sent",
    })
}

fn nfpcapd(captures: &Captures, scratch: &Path) -> Contestant {
    let cmd = Cmd::new("nfpcapd")
        .args(["-r", &path(&captures.inside)])
        .args(["-w", &path(scratch)]);
    Contestant {
        name: "nfpcapd",
        package: Some("nfdump"),
        cmd: present(cmd),
        packets: captures.truth.packets,
        writes: PathBuf::new(),
        truth: None,
        remark: "the inside capture to a file of flows",
    }
}

/// The command, with its program's place, if it is there.
fn present(cmd: Cmd) -> Option<Cmd> {
    let program = find(&cmd.program)?;
    Some(Cmd {
        program: path(&program),
        ..cmd
    })
}

fn path(path: &Path) -> String {
    path.display().to_string()
}
