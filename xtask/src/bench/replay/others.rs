//! The other programs, each run so that it does what is nearest to ours. Those that read one capture
//! get the inside one, in which all bytes are: that is in their favour, for ours reads both.

use std::net::SocketAddr;
use std::path::Path;

use super::contestants::{Contestant, Role, USUAL, WHOLE, path};
use super::inputs::Inputs;
use crate::bench::packages;
use crate::bench::traffic::{Captures, GATEWAY, INSIDE_GATEWAY, INSIDE_PREFIX};
use crate::process::{Cmd, find};

const PROGRAMS: [(&str, &str); 4] = [
    ("natlog", "natlog"),
    ("nfpcapd", "nfdump"),
    ("softflowd", "softflowd"),
    ("tshark", "tshark"),
];

/// All of them, installed where they are missing. Flows are sent to `receiver`.
pub fn all(inputs: &Inputs, scratch: &Path, receiver: SocketAddr) -> Vec<Contestant> {
    packages::install(&PROGRAMS);
    vec![
        nfpcapd(&inputs.usual, scratch),
        softflowd(&inputs.usual, receiver),
        tshark(&inputs.usual),
        natlog(&inputs.whole, scratch),
    ]
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
        writes: None,
        role: Role::Beside(USUAL),
        remark: "the inside capture to a file of flows",
    }
}

/// A flow keeps its place after its end, so there are twice as many places as connections at a time.
fn softflowd(captures: &Captures, receiver: SocketAddr) -> Contestant {
    let flows = 2 * captures.plan.connections;
    let cmd = Cmd::new("softflowd -d -v 9")
        .args(["-m", &flows.to_string()])
        .args(["-n", &receiver.to_string()])
        .args(["-r", &path(&captures.inside)]);
    Contestant {
        name: "softflowd",
        package: Some("softflowd"),
        cmd: present(cmd),
        packets: captures.truth.packets,
        writes: None,
        role: Role::Beside(USUAL),
        remark: "the inside capture to NetFlow 9, which is sent to a socket",
    }
}

fn tshark(captures: &Captures) -> Contestant {
    let cmd = Cmd::new("tshark -n -q -z conv,tcp").args(["-r", &path(&captures.inside)]);
    Contestant {
        name: "tshark -q -z conv,tcp",
        package: Some("tshark"),
        cmd: present(cmd),
        packets: captures.truth.packets,
        writes: None,
        role: Role::Beside(USUAL),
        remark: "the inside capture to a table of conversations",
    }
}

/// It takes the original length of a packet for the captured one, so it reads whole packets only.
fn natlog(captures: &Captures, scratch: &Path) -> Contestant {
    let writes = scratch.join("natlog.csv");
    let prefix = format!("/{INSIDE_PREFIX}");
    let cmd = Cmd::new("natlog --no-daemon --config /dev/null --log off")
        .arg(format!("--log-data={}", path(&writes)))
        .args([
            &*path(&captures.inside),
            &INSIDE_GATEWAY.to_string(),
            &prefix,
        ])
        .args([&*path(&captures.outside), &GATEWAY.to_string(), "/24"]);
    Contestant {
        name: "natlog",
        package: Some("natlog"),
        cmd: present(cmd),
        packets: captures.packets(),
        writes: Some(writes),
        role: Role::Beside(WHOLE),
        remark: "both captures of whole packets to lines of a table; it cannot read captures with \
                 a snap length",
    }
}

/// The command, if its program is there.
fn present(cmd: Cmd) -> Option<Cmd> {
    let program = find(&cmd.program)?;
    Some(Cmd {
        program: path(&program),
        ..cmd
    })
}
