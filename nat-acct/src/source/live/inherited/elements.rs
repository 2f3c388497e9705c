//! Maps of another build: arrays whose elements are of any size.

use std::{
    os::fd::{AsFd as _, AsRawFd as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use aya::maps::MapData;
use memmap2::{MmapOptions, MmapRaw};

/// Opens a map.
pub(super) fn pinned(dir: &Path, map: &str) -> Result<MapData> {
    let path = dir.join(map);
    MapData::from_pin(&path).with_context(|| format!("cannot open {}", path.display()))
}

/// A mapped array with elements of any size.
pub(super) struct Elements {
    memory: MmapRaw,
    pub(super) size: usize,
    count: usize,
}

impl Elements {
    pub(super) fn open(dir: &Path, map: &str) -> Result<Self> {
        let map = pinned(dir, map)?;
        let info = map.info()?;
        let (size, count) = (info.value_size() as usize, info.max_entries() as usize);
        let memory = MmapOptions::new()
            .len(count * size.next_multiple_of(8))
            .map_raw(map.fd().as_fd().as_raw_fd())?;
        Ok(Self {
            memory,
            size,
            count,
        })
    }

    pub(super) fn get(&self, index: usize) -> Option<Vec<u8>> {
        if index >= self.count {
            return None;
        }
        // SAFETY: within the mapping, which lives as long as `self`. A program may write at the same
        // time, so whole elements are only read when there is none.
        let element = unsafe {
            let start = self
                .memory
                .as_ptr()
                .add(index * self.size.next_multiple_of(8));
            std::slice::from_raw_parts(start, self.size)
        };
        Some(element.to_vec())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.count).filter_map(|index| self.get(index))
    }
}
