//! What another build left, in copies on which no program works any more: the flow step's table,
//! and what was counted.

use anyhow::Result;
use nat_acct_common::{
    flow::{self, CoarseClock, Facts, Table},
    layout::{Bucket, Connection, FlowKey, OutsideKey, OutsideSyn},
};

use super::{
    super::{forget_reset, note_shared_isn},
    counted::Counted,
};
use crate::engine;

/// What was counted until the programs were taken off.
pub struct Remains {
    pub(super) table: Left,
    pub(super) counters: Counted,
    pub(super) outside_syns: Vec<(OutsideKey, OutsideSyn)>,
    pub(super) next_record: u64,
    pub(super) clock: CoarseClock,
}

/// The connections by slot, and their buckets by place.
pub(super) struct Left {
    pub(super) connections: Vec<Connection>,
    pub(super) buckets: Vec<Bucket>,
}

impl Remains {
    /// All connections.
    pub fn facts(&self) -> impl Iterator<Item = Facts> {
        let slots = 1..self.table.connections.len() as u32;
        slots.filter_map(|slot| self.facts_of(slot))
    }

    /// The connection in `slot`, if there is one.
    pub fn facts_of(&self, slot: u32) -> Option<Facts> {
        Facts::read(&self.table, slot, self.clock)
    }

    /// See [`Live::note_shared_isn`](super::Live::note_shared_isn).
    pub fn note_shared_isn(&self, slot: u32) {
        note_shared_isn(&self.table, slot);
    }

    /// See [`Live::forget_reset`](super::Live::forget_reset).
    pub fn forget_reset(&self, slot: u32) {
        forget_reset(&self.table, slot);
    }

    /// All SYNs seen on the outside.
    pub fn outside_syns(&self) -> &[(OutsideKey, OutsideSyn)] {
        &self.outside_syns
    }

    /// What is known of a connection in the end, and what was counted.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn harvest(&self, slot: u32) -> Result<Option<engine::Event>> {
        let Some(retired) = flow::retire(&self.table, slot) else {
            return Ok(None);
        };
        let volumes = self.counters.total(retired.place)?;
        let facts = self.facts_of(slot);
        Ok(facts.map(|facts| engine::Event::Harvested(facts, volumes)))
    }

    /// The number of the record of the connection in `slot`. Another time it is the same, because
    /// nothing changes any more and connections come in the same order.
    pub fn record_number(&mut self, slot: u32) -> Option<u64> {
        let connection = self.table.connections.get(slot as usize)?;
        if connection.record_number.get() == 0 {
            self.next_record += 1;
            connection.record_number.set(self.next_record);
        }
        Some(connection.record_number.get() - 1)
    }
}

/// Nothing is looked up by its 4-tuple any more.
impl Table for Left {
    fn seed(&self, _: usize) -> [u64; 2] {
        Default::default()
    }

    fn bucket_mask(&self) -> u32 {
        0
    }

    fn bucket(&self, place: u32) -> Option<&Bucket> {
        self.buckets.get(place as usize)
    }

    fn overflow(&self, _: &FlowKey) -> Option<u32> {
        None
    }

    fn overflow_insert(&self, _: &FlowKey, _: u32) -> bool {
        false
    }

    fn overflow_remove(&self, _: &FlowKey) {}

    fn lock(&self, _: u32) -> bool {
        true
    }

    fn unlock(&self, _: u32) {}

    fn connection(&self, slot: u32) -> Option<&Connection> {
        self.connections.get(slot as usize)
    }
}
