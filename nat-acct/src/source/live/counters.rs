//! The counters of all connections. Each processor writes a part of its own, so programs need no
//! atomic additions, and no two processors write to a cache line.

use anyhow::{Context as _, Result};
use aya::{Ebpf, util::nr_cpus};
use nat_acct_common::layout::{Counters, PerSender, Sender, Volume};

use super::{mapped::MappedArray, table::mapped};

/// The map COUNTERS.
pub(super) struct AllCounters {
    memory: MappedArray<Counters>,
    places: u32,
    processors: u32,
}

impl AllCounters {
    /// Those of the programs.
    pub(super) fn of(ebpf: &Ebpf, places: u32) -> Result<Self> {
        let memory = mapped(ebpf, "COUNTERS", elements(places)?)?;
        Ok(Self::new(memory, places, processors()?))
    }

    pub(super) const fn new(memory: MappedArray<Counters>, places: u32, processors: u32) -> Self {
        Self {
            memory,
            places,
            processors,
        }
    }

    /// What all processors have counted at a place.
    pub(super) fn total(&self, place: u32) -> PerSender<Volume> {
        sum(self.at(place).map(Counters::volumes))
    }

    /// Has the processor fetch what was counted at a place.
    pub(super) fn fetch(&self, place: u32) {
        // Reads of shared memory are not left out.
        let _ = self.total(place);
    }

    /// Has the next connection at a place counted from 0.
    pub(super) fn clear(&self, place: u32) {
        self.at(place).for_each(Counters::clear);
    }

    fn at(&self, place: u32) -> impl Iterator<Item = &Counters> {
        (0..self.processors).filter_map(move |processor| {
            let index = Counters::index(processor, self.places, place);
            self.memory.get(index)
        })
    }
}

/// Elements of the map for so many places.
///
/// # Errors
///
/// When the kernel does not say how many processors there may be, or there are more elements than a
/// map can have.
pub(super) fn elements(places: u32) -> Result<u32> {
    let elements = places.checked_mul(processors()?);
    elements.context("--max-connections is too large for the processors that there may be")
}

/// What several processors have counted, together.
pub(super) fn sum(parts: impl Iterator<Item = PerSender<Volume>>) -> PerSender<Volume> {
    let mut volumes: PerSender<Volume> = PerSender::default();
    for part in parts {
        for sender in [Sender::Client, Sender::Remote] {
            *volumes.get_mut(sender) += *part.get(sender);
        }
    }
    volumes
}

/// Processors that there may be, as they may be added while the machine runs.
fn processors() -> Result<u32> {
    let processors = nr_cpus().map_err(|(file, error)| {
        anyhow::Error::new(error).context(format!("cannot read {file}"))
    })?;
    Ok(processors.try_into()?)
}
