//! Who is in the gateway while packets pass. The others get the inside interface alone, but natlog,
//! which takes both: that is in their favour, for ours looks at both.

use std::path::{Path, PathBuf};

use nat_acct_tests::lab::INSIDE;

use crate::bench::gateway::{Contestant, Program, Ready, natlog, nothing, ours, present};
use crate::bench::packages;
use crate::process::Cmd;

const PROGRAMS: [(&str, &str); 4] = [
    ("natlog", "natlog"),
    ("softflowd", "softflowd"),
    ("pmacctd", "pmacct"),
    ("tcpdump", "tcpdump"),
];

/// All of them, installed where they are missing; those of the others not if `alone`. Their files are in `dir`.
pub fn all(dir: &Path, agent: PathBuf, alone: bool) -> Vec<Contestant> {
    let mut all = vec![nothing(), empty_programs(), ours(agent)];
    if !alone {
        packages::install(&PROGRAMS);
        let lines = dir.join("natlog.csv");
        all.extend([natlog(&lines), softflowd(), pmacctd(dir), tcpdump()]);
    }
    all
}

/// What looking at packets costs before anything is done with them.
fn empty_programs() -> Contestant {
    Contestant {
        name: "empty programs",
        package: None,
        program: Program::EmptyPrograms,
        remark: "four TC programs that return at once, where ours has its own: the floor",
    }
}

/// Nobody listens where it sends flows to.
fn softflowd() -> Contestant {
    let cmd = Cmd::new("softflowd -d -v 9 -n 127.0.0.1:9995 -m 100000 -p /dev/null -c none");
    Contestant {
        name: "softflowd",
        package: Some("softflowd"),
        program: present(cmd.args(["-i", INSIDE]), Ready::PacketSockets(1)),
        remark: "the inside interface to NetFlow 9, which is sent to nobody",
    }
}

fn pmacctd(dir: &Path) -> Contestant {
    let pid_file = dir.join("pmacctd.pid");
    let cmd = Cmd::new("pmacctd -P print -O json -o /dev/null -r 60")
        .args(["-c", "src_host,dst_host,src_port,dst_port,proto"])
        .args(["-F", &pid_file.display().to_string()])
        .args(["-i", INSIDE]);
    Contestant {
        name: "pmacctd",
        package: Some("pmacct"),
        program: present(cmd, Ready::PacketSockets(1)),
        remark: "the inside interface to a table of flows, which goes to /dev/null",
    }
}

fn tcpdump() -> Contestant {
    let cmd = Cmd::new("tcpdump -n -w /dev/null").args(["-i", INSIDE]);
    Contestant {
        name: "tcpdump",
        package: Some("tcpdump"),
        program: present(cmd, Ready::PacketSockets(1)),
        remark: "the packets of the inside interface to /dev/null",
    }
}
