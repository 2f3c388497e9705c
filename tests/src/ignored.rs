//! What the programs of a running agent have ignored, read from their map: the agent itself says
//! only what an operator must act on.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use aya::maps::{Map, MapData, MapInfo, PerCpuArray};
use nat_acct_common::layout::{Cause, IgnoredTotal};

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
        for id in map_ids(pid)? {
            let info = MapInfo::from_id(id)?;
            if info.name_as_str() == Some("IGNORED") {
                let map = Map::PerCpuArray(MapData::from_id(id)?);
                return Ok(Self(PerCpuArray::try_from(map)?));
            }
        }
        anyhow::bail!("process {pid} has no map IGNORED")
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

/// The maps that a process holds (kernel: kernel/bpf/syscall.c, bpf_map_show_fdinfo).
fn map_ids(pid: u32) -> Result<Vec<u32>> {
    let dir = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {dir}"))?;
    let infos = entries
        .flatten()
        .map(|entry| fs::read_to_string(entry.path()));
    // A descriptor may be closed meanwhile.
    let ids = infos.flatten().filter_map(|info| {
        let line = info.lines().find_map(|line| line.strip_prefix("map_id:"))?;
        line.trim().parse().ok()
    });
    Ok(ids.collect())
}
