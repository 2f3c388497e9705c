//! Who takes part: a program, and how it is run in the gateway.

use std::path::{Path, PathBuf};

use nat_acct_tests::lab::{INSIDE, OUTSIDE};

use super::ready::Ready;
use crate::process::{Cmd, find};

pub struct Contestant {
    pub name: &'static str,
    /// That of Debian.
    pub package: Option<&'static str>,
    pub program: Program,
    /// What it does, for the page.
    pub remark: &'static str,
}

pub enum Program {
    /// The gateway alone.
    Nothing,
    /// TC programs that return at once, where ours has its own.
    EmptyPrograms,
    /// The agent's binary.
    Agent(PathBuf),
    /// Another one, which is ready when the kernel says so.
    Peer(Cmd, Ready),
    /// It is not installed.
    Missing,
}

/// The gateway alone.
pub const fn nothing() -> Contestant {
    Contestant {
        name: "no agent",
        package: None,
        program: Program::Nothing,
        remark: "the gateway forwards, translates and does nothing else",
    }
}

pub const fn ours(agent: PathBuf) -> Contestant {
    Contestant {
        name: "nat-acct",
        package: None,
        program: Program::Agent(agent),
        remark: "both interfaces to records in JSON",
    }
}

/// The command, if its program is there.
pub fn present(cmd: Cmd, ready: Ready) -> Program {
    match find(&cmd.program) {
        Some(path) => Program::Peer(
            Cmd {
                program: path.display().to_string(),
                ..cmd
            },
            ready,
        ),
        None => Program::Missing,
    }
}

/// It reads the packets of both interfaces, as ours does.
pub fn natlog(lines: &Path) -> Contestant {
    let cmd = Cmd::new("natlog --no-daemon --config /dev/null --log off")
        .arg(format!("--log-data={}", lines.display()))
        .args([INSIDE, OUTSIDE]);
    Contestant {
        name: "natlog",
        package: Some("natlog"),
        program: present(cmd, Ready::PacketSockets(2)),
        remark: "both interfaces (its devices mode) to lines of a table",
    }
}
