//! The maps that a process holds, as the kernel tells of them.

use std::collections::BTreeMap;

use anyhow::Result;
use aya::maps::{MapInfo, MapType};

use crate::fdinfo;

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
    let maps = fdinfo::held_by(pid)?.filter_map(|info| {
        let id = info.number("map_id")?.try_into().ok()?;
        Some((id, info.number("memlock")?))
    });
    Ok(maps.collect())
}
