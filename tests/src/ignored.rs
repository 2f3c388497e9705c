//! What the programs of a running agent have ignored, read from their map: the agent itself says
//! only what an operator must act on.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aya::maps::{Map, MapData, PerCpuArray};
use nat_acct_common::layout::{Cause, IgnoredTotal};

use crate::maps;

/// Packets by cause, without causes that have not occurred.
pub type ByCause = BTreeMap<Cause, u64>;

/// The programs' counters.
pub struct Ignored(PerCpuArray<MapData, IgnoredTotal>);

impl Ignored {
    /// Of the agent with this process id.
    ///
    /// # Errors
    ///
    /// When it has no such map.
    pub fn of(pid: u32) -> Result<Self> {
        let held = maps::held_by(pid)?;
        let ours = held.iter().find(|map| map.name == "IGNORED");
        let ours = ours.with_context(|| format!("process {pid} has no map IGNORED"))?;
        let map = Map::PerCpuArray(MapData::from_id(ours.id)?);
        Ok(Self(PerCpuArray::try_from(map)?))
    }

    /// All counters now.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn by_cause(&self) -> Result<ByCause> {
        let all = Cause::ALL.map(|cause| Ok((cause, self.packets(cause)?)));
        let all: ByCause = all.into_iter().collect::<Result<_>>()?;
        Ok(all
            .into_iter()
            .filter(|(_, packets)| *packets > 0)
            .collect())
    }

    /// The counter of one cause.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn packets(&self, cause: Cause) -> Result<u64> {
        let per_cpu = self.0.get(&(cause as u32), 0)?;
        Ok(per_cpu.iter().map(|total| total.packets).sum())
    }
}
