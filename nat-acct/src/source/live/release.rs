//! Giving free what connections had, many with one system call: a program does it, which takes their
//! slots from a map.

use anyhow::{Context as _, Result};
use aya::Ebpf;
use nat_acct_common::layout::{MAX_RELEASED, ReleasedSlot};

use super::{
    by_hand::{self, Run},
    mapped::MappedArray,
    table::mapped,
};

/// The map RELEASED, and what is to be released.
pub(super) struct Releases {
    slots: MappedArray<ReleasedSlot>,
    due: Vec<u32>,
}

impl Releases {
    /// Those by the programs.
    pub(super) fn of(ebpf: &Ebpf) -> Result<Self> {
        Ok(Self {
            slots: mapped(ebpf, "RELEASED", MAX_RELEASED)?,
            due: Vec::new(),
        })
    }

    /// Releases the connections in `slots`, and those that could not be before. A program that ran twice
    /// for one did nothing the second time.
    pub(super) fn run(&mut self, ebpf: &mut Ebpf, slots: impl Iterator<Item = u32>) -> Result<()> {
        self.due.extend(slots);
        while !self.due.is_empty() {
            // The last ones first; behind them there is a 0.
            let from = self.due.len().saturating_sub(MAX_RELEASED as usize);
            let part = self.due[from..].iter().copied().chain([0]);
            for (number, slot) in (0..MAX_RELEASED).zip(part) {
                let place = self.slots.get(number).context("RELEASED is too short")?;
                place.set(slot);
            }
            match by_hand::run(ebpf, "release")? {
                Run::Done => self.due.truncate(from),
                Run::Again => break,
            }
        }
        Ok(())
    }
}
