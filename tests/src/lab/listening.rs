//! Which TCP ports are listened on in a namespace, from the kernel's table:
//! asking by a connection would be traffic.

use std::fs;

use anyhow::{Context, Result};

use super::{Lab, Ns};
use crate::wait::{PATIENCE, wait_until};

const LISTEN: &str = "0A";

pub fn wait(lab: &Lab, ns: Ns, port: u16) -> Result<()> {
    wait_until(
        PATIENCE,
        &format!("a listener on port {port} in {ns:?}"),
        || Ok(ports(lab, ns)?.contains(&port).then_some(())),
    )
}

fn ports(lab: &Lab, ns: Ns) -> Result<Vec<u16>> {
    lab.enter(ns, || {
        let mut ports = Vec::new();
        for table in ["tcp", "tcp6"] {
            let path = format!("/proc/thread-self/net/{table}");
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
            ports.extend(text.lines().skip(1).filter_map(listener));
        }
        Ok(ports)
    })
}

/// The port of a line `0: 00000000:0050 00000000:0000 0A …` that is a listener.
fn listener(line: &str) -> Option<u16> {
    let mut words = line.split_whitespace().skip(1);
    let (local, _peer, state) = (words.next()?, words.next()?, words.next()?);
    let (_address, port) = local.split_once(':')?;
    if state == LISTEN {
        u16::from_str_radix(port, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::listener;

    #[test]
    fn only_listeners_count() {
        let line = "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000";
        assert_eq!(listener(line), Some(80));
        assert_eq!(listener(&line.replace("0A", "01")), None);
    }
}
