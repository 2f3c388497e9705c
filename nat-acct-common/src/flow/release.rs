//! Giving free what a connection had, once its record is written. In the kernel a program does it, for
//! many at a time: an agent that is killed then has given free either all that a connection had, or
//! nothing of it.

use super::{Runtime, handle::Flow};
use crate::layout::Owner;

/// Gives free the bucket, the slot and the permit of a connection that was [forgotten](super::forget)
/// and whose counters are cleared. Nothing happens where that was done before, also if another connection
/// has the slot since.
#[inline(always)]
pub fn release<T: Runtime>(table: &T, slot: u32) {
    let Some(flow) = Flow::of_slot(table, slot) else {
        return;
    };
    if flow.connection.opened_ns.get() != 0 {
        return;
    }
    flow.bucket.set_owner(Owner::FREE);
    if table.is_spare(flow.place) {
        table.return_spare(flow.place);
    }
    if !flow.connection.established.get() {
        table.return_permit();
    }
    table.return_slot(slot);
}
