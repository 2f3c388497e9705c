//! What the kernel's own connection tracking takes for a connection, beside which ours stands.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use nat_acct_tests::lab::loss::{Hook, Loss};
use nat_acct_tests::{Lab, Ns, syns};
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
    syns::send(lab, Ns::Client1, ENTRIES, port)?;
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

/// The port for the SYN with this number.
fn port(number: u32) -> u16 {
    FIRST_PORT + (number % u32::from(PORTS)) as u16
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
