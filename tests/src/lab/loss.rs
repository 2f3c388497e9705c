//! Losing segments on purpose, at a host.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Lab, Ns};
use crate::wait::{PATIENCE, wait_until};

/// Where segments are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Where the host forwards them.
    Forward,
    /// Where they have arrived.
    Input,
}

/// Loses segments until it is ended.
pub struct Loss<'a> {
    lab: &'a Lab,
    ns: Ns,
}

impl<'a> Loss<'a> {
    /// Loses what this selector of nftables means, such as `tcp dport 80`.
    pub fn begin(lab: &'a Lab, ns: Ns, hook: Hook, selector: &str) -> Result<Self> {
        let hook = match hook {
            Hook::Forward => "forward",
            Hook::Input => "input",
        };
        lab.nft(
            ns,
            &format!(
                "table inet loss {{
                    counter lost {{ }}
                    chain lose {{
                        type filter hook {hook} priority filter; policy accept;
                        {selector} counter name lost drop
                    }}
                }}"
            ),
        )?;
        Ok(Self { lab, ns })
    }

    /// Waits until so many segments were lost.
    pub fn wait_for(&self, segments: u64) -> Result<()> {
        wait_until(PATIENCE, &format!("{segments} lost segments"), || {
            let listed = self
                .lab
                .run(self.ns, "nft -j list counter inet loss lost")?;
            let listed: Value = serde_json::from_str(&listed)?;
            let lost = listed["nftables"][1]["counter"]["packets"].as_u64();
            let lost = lost.with_context(|| format!("no counter in {listed}"))?;
            Ok((lost >= segments).then_some(()))
        })
    }

    /// From now on all segments get through.
    pub fn end(self) -> Result<()> {
        self.lab.nft(self.ns, "delete table inet loss")
    }
}
