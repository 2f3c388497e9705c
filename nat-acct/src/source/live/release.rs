//! Giving free what connections had, many with one system call: a program does it, which takes their
//! slots from a map.

use anyhow::{Context as _, Result};
use aya::Ebpf;
use nat_acct_common::layout::{MAX_RELEASED, ReleasedSlot};

use super::{by_hand, mapped::MappedArray, table::mapped};

/// The map RELEASED.
pub(super) struct Releases(MappedArray<ReleasedSlot>);

impl Releases {
    /// That of the programs.
    pub(super) fn of(ebpf: &Ebpf) -> Result<Self> {
        mapped(ebpf, "RELEASED", MAX_RELEASED).map(Self)
    }

    /// Releases the connections in `slots`.
    pub(super) fn run(&self, ebpf: &mut Ebpf, slots: &[u32]) -> Result<()> {
        for part in slots.chunks(MAX_RELEASED as usize) {
            // Behind the last there is a 0.
            let slots = part.iter().copied().chain([0]);
            for (number, slot) in (0..MAX_RELEASED).zip(slots) {
                let place = self.0.get(number).context("RELEASED is too short")?;
                place.set(slot);
            }
            by_hand::run(ebpf, "release")?;
        }
        Ok(())
    }
}
