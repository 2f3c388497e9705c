//! Devices other than the lab's own, where the kernel has them.

use anyhow::{Result, bail};

use super::topology::set_default_routes;
use super::{Lab, Ns};
use crate::wait::{PATIENCE, wait_until};

/// What `ip` says of a type that the kernel does not know, with and without the kernel's own words.
const UNKNOWN: [&str; 2] = ["Unknown device type", "Operation not supported"];

impl Lab {
    /// Whether the kernel has devices of this type, in the words of `ip link`.
    pub fn has_device_type(&self, kind: &str) -> Result<bool> {
        let mut ip = self.command(Ns::Remote, "ip");
        let done = ip.args(["link", "add", "probe", "type", kind]).output()?;
        if done.status.success() {
            self.run(Ns::Remote, "ip link delete probe")?;
            return Ok(true);
        }
        // Some types want arguments, and a kernel that has the type says so.
        let said = String::from_utf8_lossy(&done.stderr);
        Ok(!UNKNOWN.iter().any(|unknown| said.contains(unknown)))
    }

    /// Runs commands of `ip`, one a line, in the namespace.
    pub fn ip(&self, ns: Ns, lines: &str) -> Result<()> {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.run(ns, &format!("ip {line}"))?;
        }
        Ok(())
    }

    /// Gives the addresses of an interface to another one, and brings that up. A client's way out
    /// is the new interface then.
    pub fn move_addresses(&self, ns: Ns, from: &str, to: &str) -> Result<()> {
        let shown = self.run(ns, &format!("ip -o address show dev {from} scope global"))?;
        self.ip(
            ns,
            &format!("address flush dev {from} scope global\nlink set {to} up"),
        )?;
        for line in shown.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let [_number, _name, family, address, ..] = words[..] else {
                bail!("not an address: {line}");
            };
            let nodad = if family == "inet6" { "nodad" } else { "" };
            self.ip(ns, &format!("address add {address} dev {to} {nodad}"))?;
        }
        if Ns::CLIENTS.contains(&ns) {
            set_default_routes(self, ns)?;
        }
        Ok(())
    }

    /// Waits until an interface is there, up, and has its carrier.
    pub fn wait_up(&self, ns: Ns, device: &str) -> Result<()> {
        wait_until(PATIENCE, &format!("{device} of {ns:?} to be up"), || {
            let shown = self.run(ns, &format!("ip -o link show {device}"));
            Ok(shown
                .is_ok_and(|shown| shown.contains("LOWER_UP"))
                .then_some(()))
        })
    }

    /// Has all devices of a namespace send and pass up each segment alone: no bundles of
    /// segmentation offload. What a device cannot do anyway needs no switching off.
    pub fn cut_bundles_up(&self, ns: Ns) -> Result<()> {
        let devices = self.run(ns, "ls /sys/class/net")?;
        for device in devices.split_whitespace() {
            let _ = self.run(ns, &format!("ethtool -K {device} tso off gso off gro off"));
        }
        Ok(())
    }
}
