//! PPP as the outside: a dialled line, between two pppd over a pair of terminals.

use std::process::Command;

use anyhow::{Context, Result};
use nat_acct_tests::{Background, Family, Lab, Ns};

use crate::gateway::{Sides, exact, with_devices};

const PPP: &str = "ppp0";
/// No word of the machine's own configuration that would ask for a password or wait for a modem.
const OPTIONS: &str = "nodetach noauth local nocrtscts noccp noproxyarp nodefaultroute +ipv6";

#[test]
fn ppp_is_the_outside() -> Result<()> {
    let case = "ppp as the outside";
    with_devices(case, &["ppp"], |lab| {
        let line = dial(lab)?;
        for (ns, below) in [(Ns::Gateway, "eth1"), (Ns::Remote, "eth0")] {
            lab.wait_up(ns, PPP)
                .with_context(|| format!("{}{}", line.stdout(), line.stderr()))?;
            lab.move_addresses(ns, below, PPP)?;
            // Its queue of three packets would drop some after they were counted.
            lab.ip(ns, &format!("link set {PPP} txqueuelen 1000"))?;
        }
        lab.masquerade(PPP)?;
        let sides = Sides {
            inside: &["br0"],
            outside: PPP,
        };
        exact(case, lab, &[Family::V4, Family::V6], &sides)
    })
}

/// The gateway's pppd starts the remote's at the other end of its terminal.
fn dial(lab: &Lab) -> Result<Background> {
    let remote = lab.netns(Ns::Remote);
    let mut pppd: Command = lab.command(Ns::Gateway, "pppd");
    pppd.args(OPTIONS.split(' '))
        .arg("10.9.0.1:10.9.0.2")
        .arg("pty")
        .arg(format!("ip netns exec {remote} pppd notty {OPTIONS}"));
    Background::start(pppd, lab.dir(), "pppd")
}
