//! How many packets of some kind the kernel of a namespace has seen, as its
//! nftables counts them: a super-packet is one packet there.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

use super::{Volume, nft};
use crate::lab::{Lab, Ns};

/// A counter of its own, which lives as long as the lab.
pub struct Counter<'a> {
    lab: &'a Lab,
    ns: Ns,
    name: String,
}

impl<'a> Counter<'a> {
    /// Begins to count what matches an expression of nftables at one of its
    /// hooks (`input`, `forward` …), before any other table does anything.
    pub fn new(lab: &'a Lab, ns: Ns, hook: &str, expression: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let table = format!("counted{}", COUNT.fetch_add(1, Ordering::Relaxed));
        lab.nft(
            ns,
            &format!(
                "table inet {table} {{
                    counter matched {{ }}
                    chain looks {{
                        type filter hook {hook} priority -300;
                        {expression} counter name matched
                    }}
                }}"
            ),
        )?;
        Ok(Self {
            lab,
            ns,
            name: format!("inet {table} matched"),
        })
    }

    /// What has matched so far.
    pub fn volume(&self) -> Result<Volume> {
        nft::counted(self.lab, self.ns, &self.name)
    }
}
