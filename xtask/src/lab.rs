//! `cargo xtask lab up|down`: the gateway of the tests, for people.

use anyhow::{Result, ensure};
use nat_acct_tests::lab::{DEFAULT_NAME, tear_down};
use nat_acct_tests::privilege::is_root;
use nat_acct_tests::server::{HalfClose, Iperf3, Nginx, Sshd};
use nat_acct_tests::{Lab, Ns};

use crate::tools;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make the lab, in the place of an earlier one
    Up,
    /// Remove the lab and all that runs in it
    Down,
}

pub fn run(command: Command) -> Result<()> {
    require_root()?;
    match command {
        Command::Up => up(),
        Command::Down => {
            tear_down(DEFAULT_NAME);
            Ok(())
        }
    }
}

/// What demo and lab say to those who may not.
pub fn require_root() -> Result<()> {
    ensure!(
        is_root(),
        "network namespaces and eBPF need root: run this as root, e.g. with sudo"
    );
    Ok(())
}

fn up() -> Result<()> {
    tools::ensure()?;
    let lab = Lab::up_named(DEFAULT_NAME)?;
    let nginx = Nginx::start(&lab)?;
    let sshd = Sshd::start(&lab)?;
    let iperf3 = Iperf3::start(&lab, Iperf3::PORT)?;
    let half_close = HalfClose::start(&lab, 200_000)?;
    explain(&lab, &sshd);
    nginx.leave_running();
    sshd.leave_running();
    iperf3.leave_running();
    half_close.leave_running();
    lab.leave_up();
    Ok(())
}

fn explain(lab: &Lab, sshd: &Sshd) {
    let [gateway, client, ..] = Ns::ALWAYS.map(|ns| format!("ip netns exec {}", lab.netns(ns)));
    let ssh = sshd.client_options().join(" ");
    let socat = HalfClose::PORT;
    println!(
        "The lab is up:

  {c1}      192.168.17.11, fd00:17::11    behind br0 of the gateway
  {c2}      192.168.17.12, fd00:17::12    behind br0 of the gateway
  {gw}      masquerades on eth1 as 203.0.113.1, 2001:db8:113::1
  {remote}  203.0.113.80, 2001:db8:113::80

The agent:       {gateway} target/release/nat-acct run --inside br0 --outside eth1
nginx:           {client} curl -so /dev/null http://203.0.113.80/bytes/100000
sshd:            {client} ssh {ssh} root@203.0.113.80
iperf3:          {client} iperf3 -c 203.0.113.80
a half-close:    {client} socat -t 60 - TCP:203.0.113.80:{socat} </etc/services >/dev/null
To remove it:    cargo xtask lab down",
        c1 = lab.netns(Ns::Client1),
        c2 = lab.netns(Ns::Client2),
        gw = lab.netns(Ns::Gateway),
        remote = lab.netns(Ns::Remote),
    );
}
