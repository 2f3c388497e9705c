//! What the kernel's own connection tracking takes for a connection, beside which ours stands.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use etherparse::PacketBuilder;
use nat_acct_tests::lab::loss::{Hook, Loss};
use nat_acct_tests::lab::{Hints, INSIDE, PacketSocket};
use nat_acct_tests::{Family, Lab, Ns};
use serde_json::{Value, json};

const ENTRIES: u32 = 50_000;
/// They go to so many ports of the remote, so that each finds a port of its own.
const FIRST_PORT: u16 = 10_000;
const PORTS: u16 = 100;

/// Bytes of a cache's objects in use, by its name.
type Slabs = BTreeMap<String, u64>;

/// Has the gateway translate connections, with counters and times as records have them, and looks
/// which of the kernel's caches have grown.
pub fn measure(lab: &Lab) -> Result<Value> {
    for name in ["acct", "timestamp"] {
        let name = format!("netfilter/nf_conntrack_{name}");
        lab.set(Ns::Gateway, &[(&name, "1")])?;
    }
    let last = FIRST_PORT + PORTS - 1;
    let selector = format!("tcp dport {FIRST_PORT}-{last}");
    let loss = Loss::begin(lab, Ns::Remote, Hook::Input, &selector)?;
    let (entries, slabs) = (entries(lab)?, slabs()?);
    open(lab)?;
    let entries = self::entries(lab)?.saturating_sub(entries);
    let grown = self::slabs()?.into_iter().map(|(name, bytes)| {
        let before = slabs.get(&name).copied().unwrap_or(0);
        (name, bytes.saturating_sub(before))
    });
    let grown: Slabs = grown.collect();
    let named = |begins: &str| -> u64 {
        let caches = grown.iter().filter(|(name, _)| name.starts_with(begins));
        caches.map(|(_, bytes)| bytes).sum()
    };
    loss.end()?;
    Ok(json!({
        "conntrack_entries": entries,
        "entry_bytes": named("nf_conntrack"),
        // Nothing else of that size is made by packets that are lost.
        "extension_bytes": named("kmalloc"),
    }))
}

fn open(lab: &Lab) -> Result<()> {
    let client = lab.ethernet_address(Ns::Client1, "eth0")?;
    let gateway = lab.ethernet_address(Ns::Gateway, INSIDE)?;
    let std::net::IpAddr::V4(remote) = Ns::Remote.address(Family::V4) else {
        anyhow::bail!("the remote has no IPv4 address");
    };
    let plain = Hints {
        linear: 0,
        cut: None,
    };
    lab.enter(Ns::Client1, || {
        let socket = PacketSocket::open("eth0")?;
        for number in 0..ENTRIES {
            let source = (0x0a00_0000 + number).to_be_bytes();
            let port = FIRST_PORT + u16::try_from(number % u32::from(PORTS))?;
            let mut frame = Vec::new();
            PacketBuilder::ethernet2(client, gateway)
                .ipv4(source, remote.octets(), 64)
                .tcp(40_000, port, number, 64_000)
                .syn()
                .write(&mut frame, &[])?;
            socket.send(&frame, plain)?;
        }
        Ok(())
    })
}

fn entries(lab: &Lab) -> Result<u64> {
    let count = "cat /proc/sys/net/netfilter/nf_conntrack_count";
    Ok(lab.run(Ns::Gateway, count)?.trim().parse()?)
}

/// Of proc_slabinfo(5).
fn slabs() -> Result<Slabs> {
    let text = fs::read_to_string("/proc/slabinfo")?;
    let lines = text.lines().skip(2).map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let number = |at: usize| -> Result<u64> {
            let field = fields
                .get(at)
                .with_context(|| format!("too short: {line}"))?;
            Ok(field.parse()?)
        };
        let name = fields.first().copied().unwrap_or_default();
        Ok((name.to_owned(), number(1)? * number(3)?))
    });
    lines.collect()
}
