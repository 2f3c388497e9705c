//! Namespaces, interfaces, addresses and routes of the lab. Translation is the
//! next file.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{Family, INSIDE, Lab, Ns, OUTSIDE, output, translated};

/// The only interface of a client and of the remote.
pub const ONLY: &str = "eth0";
/// The ports of the gateway's bridge, in the order of the clients.
const PORTS: [&str; 2] = ["port1", "port2"];

pub fn build(lab: &Lab) -> Result<()> {
    for ns in Ns::ALWAYS {
        output(Command::new("ip").args(["netns", "add", &lab.netns(ns)]))?;
        settle(lab, ns)?;
    }
    batch(lab, Ns::Gateway, &gateway(lab))?;
    for client in Ns::CLIENTS {
        batch(lab, client, &host(client, Ns::Gateway))?;
    }
    // The remote has no route back to the clients: it can only answer to
    // translated addresses.
    batch(lab, Ns::Remote, &addresses(Ns::Remote, ONLY))
}

/// Addresses are to be usable at once: no duplicate address detection. Only
/// the gateway forwards.
pub fn settle(lab: &Lab, ns: Ns) -> Result<()> {
    let mut settings = vec![
        ("ipv6/conf/all/accept_dad", "0"),
        ("ipv6/conf/default/accept_dad", "0"),
    ];
    if ns == Ns::Gateway {
        settings.extend([("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1")]);
    }
    set(lab, ns, &settings)
}

/// Writes settings below `/proc/sys/net`, which shows each thread its own
/// namespace.
pub fn set(lab: &Lab, ns: Ns, settings: &[(&str, &str)]) -> Result<()> {
    lab.enter(ns, || {
        for (name, value) in settings {
            fs::write(format!("/proc/sys/net/{name}"), value)
                .with_context(|| format!("cannot set {name} in {ns:?}"))?;
        }
        Ok(())
    })
}

fn gateway(lab: &Lab) -> String {
    let mut lines = String::new();
    for (client, port) in Ns::CLIENTS.into_iter().zip(PORTS) {
        let netns = lab.netns(client);
        lines += &format!("link add {port} type veth peer name {ONLY} netns {netns}\n");
    }
    lines + &inside() + &outside(lab)
}

fn inside() -> String {
    let mut lines = format!("link add {INSIDE} type bridge stp_state 0 mcast_snooping 0\n");
    for port in PORTS {
        lines += &format!("link set {port} master {INSIDE} up\n");
    }
    lines + &addresses(Ns::Gateway, INSIDE)
}

fn outside(lab: &Lab) -> String {
    let remote = lab.netns(Ns::Remote);
    format!("link add {OUTSIDE} type veth peer name {ONLY} netns {remote}\n") + &outside_addresses()
}

/// Brings the gateway's outside up.
pub fn outside_addresses() -> String {
    let mut lines = format!("link set {OUTSIDE} up\n");
    for family in Family::ALL {
        lines += &address(translated(family), family, OUTSIDE);
    }
    lines
}

/// Makes an interface of the gateway again that was deleted. A veth takes its
/// peer with it, so the remote's interface is made again, too.
pub fn bring_back(lab: &Lab, interface: &str) -> Result<()> {
    match interface {
        INSIDE => batch(lab, Ns::Gateway, &inside()),
        OUTSIDE => {
            batch(lab, Ns::Gateway, &outside(lab))?;
            batch(lab, Ns::Remote, &addresses(Ns::Remote, ONLY))
        }
        other => bail!("the gateway has no interface {other}"),
    }
}

/// Brings the only interface of a client up.
pub fn host(ns: Ns, router: Ns) -> String {
    let mut lines = addresses(ns, ONLY);
    for family in Family::ALL {
        lines += &format!("route add default via {}\n", router.address(family));
    }
    lines
}

/// Brings an interface up with the addresses of its namespace.
pub fn addresses(ns: Ns, interface: &str) -> String {
    let mut lines = format!("link set lo up\nlink set {interface} up\n");
    for family in Family::ALL {
        lines += &address(ns.address(family), family, interface);
    }
    lines
}

pub fn address(address: IpAddr, family: Family, interface: &str) -> String {
    match family {
        Family::V4 => format!("address add {address}/24 dev {interface}\n"),
        Family::V6 => format!("address add {address}/64 dev {interface} nodad\n"),
    }
}

/// One `ip` for many lines: a lab is made in a fraction of a second.
pub fn batch(lab: &Lab, ns: Ns, lines: &str) -> Result<()> {
    let mut ip = Command::new("ip");
    ip.args(["-netns", &lab.netns(ns), "-batch", "-"]);
    feed(&mut ip, lines).with_context(|| format!("in {ns:?}:\n{lines}"))
}

/// Runs a command to its end with this text as its input.
pub fn feed(command: &mut Command, text: &str) -> Result<()> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {command:?}"))?;
    child
        .stdin
        .take()
        .context("no pipe")?
        .write_all(text.as_bytes())?;
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "{command:?}: {}: {}",
        done.status,
        said.trim()
    );
    Ok(())
}
