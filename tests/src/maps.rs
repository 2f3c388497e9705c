//! The maps that a process holds, as the kernel tells of them.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use aya::maps::{MapInfo, MapType};

/// A map.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its number in the kernel.
    pub id: u32,
    /// As programs call it, of which the kernel keeps 15 bytes.
    pub name: String,
    /// What kind it is.
    pub kind: MapType,
    /// For how many elements.
    pub entries: u32,
    /// Bytes of an element's value.
    pub value_bytes: u32,
    /// All that it takes.
    pub bytes: u64,
}

/// All of them, by number.
///
/// # Errors
///
/// When there is no such process, or a map is gone meanwhile.
pub fn held_by(pid: u32) -> Result<Vec<Held>> {
    let held = bytes_by_id(pid)?.into_iter().map(|(id, bytes)| {
        let info = MapInfo::from_id(id)?;
        Ok(Held {
            id,
            name: info.name_as_str().unwrap_or_default().to_owned(),
            kind: info.map_type()?,
            entries: info.max_entries(),
            value_bytes: info.value_size(),
            bytes,
        })
    });
    held.collect()
}

/// Kernel: kernel/bpf/syscall.c, `bpf_map_show_fdinfo`.
fn bytes_by_id(pid: u32) -> Result<BTreeMap<u32, u64>> {
    let dir = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {dir}"))?;
    let infos = entries
        .flatten()
        .map(|entry| fs::read_to_string(entry.path()));
    // A descriptor may be closed meanwhile.
    let maps = infos.flatten().filter_map(|info| {
        let number = |key: &str| -> Option<u64> {
            let value = info.lines().find_map(|line| line.strip_prefix(key))?;
            value.trim().parse().ok()
        };
        Some((number("map_id:")?.try_into().ok()?, number("memlock:")?))
    });
    Ok(maps.collect())
}
