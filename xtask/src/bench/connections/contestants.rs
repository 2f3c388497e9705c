//! Who records the connections. All write to a file, so that the records can be counted.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nat_acct_tests::Lab;
use nat_acct_tests::lab::{INSIDE, OUTSIDE};

use super::recorded::Lines;
use crate::bench::gateway::{Contestant, Program, Ready, natlog, nothing, ours, present};
use crate::bench::packages;
use crate::built;
use crate::process::{Cmd, cargo};

const PROGRAMS: [(&str, &str); 3] = [
    ("natlog", "natlog"),
    ("conntrack", "conntrack"),
    ("ulogd", "ulogd2"),
];
const ULOGD_JSON: &str = "ulogd_output_JSON.so";
/// Of the sockets on which the kernel tells of connections: enough for all at once.
const BUFFER_BYTES: u32 = 64 << 20;

/// A program, and the lines in which its records are.
pub type Recorder = (Contestant, Option<Lines>);

/// All of them, installed where they are missing; those of the others not if `alone`.
pub fn all(lab: &Lab, agent: PathBuf, alone: bool) -> Result<Vec<Recorder>> {
    let mut all = vec![(nothing(), None), (ours(agent), None)];
    if !alone {
        packages::install(&PROGRAMS);
        if ulogd_plugins().is_none() {
            packages::install(&[(ULOGD_JSON, "ulogd2-json")]);
        }
        all.extend([
            least(lab.dir())?,
            of_natlog(lab.dir()),
            conntrack(lab.dir()),
            ulogd(lab.dir())?,
        ]);
    }
    Ok(all)
}

/// The floor, of which `tests/benches/least` tells more.
fn least(dir: &Path) -> Result<Recorder> {
    const NAME: &str = "least";
    println!("==> the floor");
    let messages = Cmd::new(&cargo())
        .args("bench -p nat-acct-tests --no-run --message-format=json --bench".split(' '))
        .arg(NAME)
        .stdout()?;
    let program = built::programs(&messages, "bench").find(|(name, _)| name == NAME);
    let (_, program) = program.context("cargo built no such program")?;
    let contestant = Contestant {
        name: NAME,
        package: None,
        program: Program::Peer(Cmd::of(&program).args([INSIDE, OUTSIDE]), Ready::Programs),
        remark: "our programs and tables, and in user space only what they make necessary: events, facts \
                 and counters are read, JSON is made (by `serde_json`, always of the same record) and \
                 written, and what a connection had is given back. It matches nothing, and waits for no \
                 stragglers",
    };
    // The record is of a client in the lab's network.
    let lines = Lines::of_records(&dir.join(format!("{NAME}.out")));
    Ok((contestant, Some(lines)))
}

fn of_natlog(dir: &Path) -> Recorder {
    let path = dir.join("natlog.csv");
    let lines = Lines {
        // It writes addresses with three digits each.
        with: ["tcp,", "192.168.017."],
        path,
    };
    (natlog(&lines.path), Some(lines))
}

fn conntrack(dir: &Path) -> Recorder {
    let cmd = Cmd::new("conntrack -E -p tcp -e NEW,DESTROY -o timestamp,id")
        .args(["-b", &BUFFER_BYTES.to_string()]);
    let contestant = Contestant {
        name: "conntrack -E",
        package: Some("conntrack"),
        program: present(cmd, Ready::ConnectionEvents),
        remark: "the kernel's events of openings and endings to lines, with `nf_conntrack_acct`; \
                 when many end at once it says that it loses events, whatever its buffer (64 MB here)",
    };
    let lines = Lines {
        with: ["[DESTROY]", "src=192.168.17."],
        path: dir.join("conntrack--E.out"),
    };
    (contestant, Some(lines))
}

fn ulogd(dir: &Path) -> Result<Recorder> {
    let lines = Lines {
        with: ["\"ct.event\": 4", "\"src_ip\": \"192.168.17."],
        path: dir.join("ulogd.json"),
    };
    let program = match ulogd_plugins() {
        None => Program::Missing,
        Some(plugins) => {
            let config = dir.join("ulogd.conf");
            fs::write(&config, ulogd_config(&plugins, &lines.path))?;
            let cmd = Cmd::new("ulogd").args(["-c", &config.display().to_string()]);
            present(cmd, Ready::ConnectionEvents)
        }
    };
    let contestant = Contestant {
        name: "ulogd",
        package: Some("ulogd2"),
        program,
        remark: "the kernel's events of openings and endings to JSON, with `nf_conntrack_acct`",
    };
    Ok((contestant, Some(lines)))
}

fn ulogd_config(plugins: &Path, output: &Path) -> String {
    let log = output.with_extension("log");
    let (plugins, log, output) = (plugins.display(), log.display(), output.display());
    format!(
        "[global]
logfile=\"{log}\"
loglevel=5
plugin=\"{plugins}/ulogd_inpflow_NFCT.so\"
plugin=\"{plugins}/ulogd_filter_IP2STR.so\"
plugin=\"{plugins}/{ULOGD_JSON}\"
stack=ct1:NFCT,ip2str1:IP2STR,json1:JSON
[ct1]
event_mask=5
hash_enable=0
netlink_socket_buffer_size={BUFFER_BYTES}
netlink_socket_buffer_maxsize={BUFFER_BYTES}
[json1]
sync=0
file=\"{output}\"
"
    )
}

/// The directory with those of ulogd; the one for JSON is a package of its own.
fn ulogd_plugins() -> Option<PathBuf> {
    let listed = Cmd::new("dpkg-query --listfiles ulogd2-json").ask()?;
    let plugin = listed.lines().find(|path| path.ends_with(ULOGD_JSON))?;
    Some(Path::new(plugin).parent()?.to_owned())
}
