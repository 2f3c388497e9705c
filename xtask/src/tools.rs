//! The programs that the lab needs, and the Debian packages that bring them.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use nat_acct_tests::privilege::is_root;

use crate::apt;
use crate::process::find;

const PROGRAMS: [(&str, &str); 24] = [
    ("bpftool", "bpftool"),
    ("conntrack", "conntrack"),
    ("curl", "curl"),
    ("ethtool", "ethtool"),
    ("ip", "iproute2"),
    ("iperf3", "iperf3"),
    ("logrotate", "logrotate"),
    ("nft", "nftables"),
    ("nginx", "nginx-light"),
    ("pppd", "ppp"),
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("scp", "openssh-client"),
    ("socat", "socat"),
    ("ss", "iproute2"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
    ("systemd-analyze", "systemd"),
    ("tc", "iproute2"),
    ("tcpdump", "tcpdump"),
    ("tshark", "tshark"),
    ("wg", "wireguard-tools"),
    ("zstd", "zstd"),
];

/// Sees to it that all programs are there; quick and silent when they are.
pub fn ensure() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
    let packages: BTreeSet<_> = missing.iter().map(|(_, package)| *package).collect();
    println!("==> the lab lacks {}", programs.join(", "));
    if !(is_root() && apt::present()) {
        let command = apt::install_command(packages);
        bail!("install these programs; on Debian: sudo {command}");
    }
    apt::install(&packages.into_iter().collect::<Vec<_>>())?;
    match self::missing().first() {
        Some((program, package)) => bail!("package {package} did not bring the program {program}"),
        None => Ok(()),
    }
}

fn missing() -> Vec<(&'static str, &'static str)> {
    PROGRAMS
        .into_iter()
        .filter(|(program, _)| find(program).is_none())
        .collect()
}
