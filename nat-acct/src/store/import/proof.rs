//! The part of the proof that nothing is missing which a batch changes.

use std::collections::BTreeMap;

use anyhow::Result;
use rusqlite::Connection;

use crate::{
    record::{Run, Told},
    store::{
        files::index,
        numbers::{Numbers, Seen},
    },
};

/// The numbers of the runs that a batch tells of.
#[derive(Default)]
pub(super) struct Proof(Numbers);

/// Records whose numbers were there before.
pub(super) struct SeenBefore(BTreeMap<Run, Vec<u64>>);

impl Proof {
    /// Takes note of records, and says which of their numbers were there.
    pub(super) fn add(&mut self, index: &Connection, told: &[Told]) -> Result<SeenBefore> {
        let mut seen_before = BTreeMap::<Run, Vec<u64>>::new();
        let mut run = None;
        for told in told {
            if run != Some(told.run) {
                run = Some(told.run);
                if self.0.of(told.run).is_none()
                    && let Some(of_run) = index::of_run(index, told.run)?
                {
                    self.0.insert(told.run, of_run);
                }
            }
            if let (Seen::Before, Some(number)) = (self.0.add(told), told.sequence) {
                seen_before.entry(told.run).or_default().push(number);
            }
        }
        for numbers in seen_before.values_mut() {
            numbers.sort_unstable();
        }
        Ok(SeenBefore(seen_before))
    }

    pub(super) fn save(&self, index: &Connection) -> Result<()> {
        for (run, of_run) in self.0.runs() {
            index::set_run(index, run, of_run)?;
        }
        Ok(())
    }
}

impl SeenBefore {
    pub(super) fn contains(&self, told: &Told) -> bool {
        let numbers = self.0.get(&told.run);
        numbers
            .zip(told.sequence)
            .is_some_and(|(numbers, number)| numbers.binary_search(&number).is_ok())
    }
}
