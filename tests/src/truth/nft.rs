//! What nftables says in JSON.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Volume;
use crate::lab::{Lab, Ns};

/// The one object of this kind (`counter`, `set`) that `what` names.
pub fn list(lab: &Lab, ns: Ns, kind: &str, what: &str) -> Result<Value> {
    let text = lab.run(ns, &format!("nft -j list {kind} {what}"))?;
    let listed: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
    let items = listed["nftables"].as_array().into_iter().flatten();
    let mut found = items.filter_map(|item| item.get(kind));
    found.next().cloned().with_context(|| text.clone())
}

/// What a named counter has counted.
pub fn counted(lab: &Lab, ns: Ns, counter: &str) -> Result<Volume> {
    let counter = list(lab, ns, "counter", counter)?;
    let number = |name: &str| counter[name].as_u64().context("no number");
    Ok(Volume {
        packets: number("packets")?,
        ip_bytes: number("bytes")?,
    })
}
