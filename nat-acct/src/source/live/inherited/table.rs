//! What another build left, as the flow step's table: copies, on which no program works any more.

use nat_acct_common::{
    flow::Table,
    layout::{Bucket, Connection, FlowKey, Seed},
};

/// The connections by slot, and the flow table.
pub(super) struct Left {
    pub(super) connections: Vec<Connection>,
    pub(super) buckets: Vec<Bucket>,
}

/// Nothing is looked up by its 4-tuple any more.
impl Table for Left {
    fn seed(&self) -> Seed {
        Seed(Default::default())
    }

    fn set_mask(&self) -> u32 {
        0
    }

    fn bucket(&self, number: u32) -> Option<&Bucket> {
        self.buckets.get(number as usize)
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
