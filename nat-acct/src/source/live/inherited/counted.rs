//! What another build counted. Up to ABI 4 the counters were in a per-CPU array of the kernel, and up
//! to ABI 5 they were by slot, which [`earlier`](super::earlier) makes a place of.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use aya::maps::{Map, MapData, PerCpuArray};
use nat_acct_common::layout::{Counters, PerSender, Volume};

use super::{
    super::{
        counters::{AllCounters, sum},
        mapped::MappedArray,
    },
    elements::pinned,
};

/// The map COUNTERS.
pub(super) enum Counted {
    PerCpu(PerCpuArray<MapData, PerSender<Volume>>),
    Parts(AllCounters),
}

impl Counted {
    /// What was counted at so many places.
    pub(super) fn open(dir: &Path, places: u32) -> Result<Self> {
        let map = Map::from_map_data(pinned(dir, "COUNTERS")?)?;
        let Map::Array(data) = map else {
            return Ok(Self::PerCpu(map.try_into()?));
        };
        let info = data.info()?;
        let (elements, size) = (info.max_entries(), info.value_size());
        ensure!(
            places > 0 && elements.is_multiple_of(places) && size as usize == size_of::<Counters>(),
            "its COUNTERS has {elements} elements of {size} bytes for {places} places"
        );
        let memory = MappedArray::new(&data, elements).context("cannot map COUNTERS")?;
        let parts = AllCounters::new(memory, places, elements / places);
        Ok(Self::Parts(parts))
    }

    /// What all processors have counted at a place.
    pub(super) fn total(&self, place: u32) -> Result<PerSender<Volume>> {
        match self {
            Self::PerCpu(map) => {
                let parts = map.get(&place, 0).context("cannot read COUNTERS")?;
                Ok(sum(parts.iter().copied()))
            }
            Self::Parts(parts) => Ok(parts.total(place)),
        }
    }
}
