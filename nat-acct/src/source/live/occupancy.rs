//! How much of the table is in use. Counting looks at every slot, which takes milliseconds for each
//! hundred thousand of them; it can be done beside the loop.

use std::sync::Arc;

use nat_acct_common::layout::Connection;

use super::mapped::MappedArray;

/// The slots of all connections, to be looked at.
#[derive(Clone)]
pub struct Occupancy {
    connections: Arc<MappedArray<Connection>>,
    slots: u32,
}

/// Slots in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupied {
    /// Connections without a written record.
    pub connections: u64,
    /// Those of them that wait for an answer.
    pub half_open: u64,
}

impl Occupancy {
    /// Of an array with so many slots, the unused first one included.
    pub(super) fn new(connections: Arc<MappedArray<Connection>>, slots: u32) -> Self {
        Self { connections, slots }
    }

    /// Counts what is in use now.
    pub fn count(&self) -> Occupied {
        let mut occupied = Occupied::default();
        for connection in (1..self.slots).filter_map(|slot| self.connections.get(slot)) {
            if connection.opened_ns.get() != 0 {
                occupied.connections += 1;
                occupied.half_open += u64::from(!connection.established.get());
            }
        }
        occupied
    }
}
