//! Taking a connection out, in user space. It goes in steps, so that no segment is lost and none
//! lands in another connection: [`retire`] has segments no longer find it; when every program that
//! may still be at work on it has ended (an RCU grace period), its facts and counters are final; when
//! its record is written, they are erased ([`forget`]) and others may have its bucket
//! ([`release`](super::release)).
//! Each step may be taken again by another agent if this one is killed.

use super::{Table, handle::Flow, place};
use crate::layout::Connection;

/// A connection that new segments no longer find.
#[derive(Debug)]
#[must_use = "the bucket stays blocked until it is released"]
pub struct Retired {
    /// The connection's slot.
    pub slot: u32,
    /// The number of its bucket and its counters.
    pub place: u32,
}

/// Has new segments no longer find the connection in `slot`. A challenger takes its place.
pub fn retire<T: Table>(table: &T, slot: u32) -> Option<Retired> {
    let flow = Flow::of_slot(table, slot)?;
    unlink_relatives(table, flow.connection, slot);
    let heir = Flow::of_slot(table, flow.connection.challenger.get());
    if heir.is_some() || table.is_spare(flow.place) {
        leave_locked(table, &flow, heir);
    }
    flow.bucket.hide(slot);
    Some(Retired {
        slot,
        place: flow.place,
    })
}

/// Forgets the facts. The caller clears the counters after that and before
/// [`release`](super::release): whoever finds the slot with facts finds it whole.
pub fn forget<T: Table>(table: &T, retired: &Retired) {
    if let Some(connection) = table.connection(retired.slot) {
        connection.opened_ns.set(0);
    }
}

/// The connection in `slot`, if it was forgotten and not released: its agent was killed before. A
/// program that opens one writes the time before it takes a bucket.
pub fn forgotten<T: Table>(table: &T, slot: u32) -> Option<Retired> {
    // Before the bucket, for which one of many slots would wait.
    if table.connection(slot)?.opened_ns.get() != 0 {
        return None;
    }
    let Flow {
        connection, place, ..
    } = Flow::of_slot(table, slot)?;
    // One that has a bucket may have been opened since.
    (connection.opened_ns.get() == 0).then_some(Retired { slot, place })
}

/// Whether segments find a connection again that was retired: a program that had found it before, and
/// changed its path after that. It is final only if an RCU grace period is over since it was retired, and
/// it is not found.
pub fn is_found<T: Table>(table: &T, retired: &Retired) -> bool {
    let flow = Flow::of_slot(table, retired.slot);
    flow.is_some_and(|flow| flow.bucket.owner().is_live())
}

/// Removes each pointer of another connection to this one.
fn unlink_relatives<T: Table>(table: &T, connection: &Connection, slot: u32) {
    if let Some(successor) = table.connection(connection.successor.get())
        && successor.predecessor.get() == slot
    {
        successor.predecessor.set(0);
    }
    if let Some(predecessor) = table.connection(connection.predecessor.get()) {
        for pointer in [&predecessor.challenger, &predecessor.successor] {
            if pointer.get() == slot {
                pointer.set(0);
            }
        }
    }
}

/// Has the 4-tuple lead to the heir, or no longer to a spare place.
fn leave_locked<T: Table>(table: &T, flow: &Flow<'_>, heir: Option<Flow<'_>>) {
    let key = flow.bucket.key();
    let set = place::set_of(table, &key);
    let is_locked = table.lock(set);
    if let Some(heir) = heir {
        heir.connection.predecessor.set(0);
        // If the overflow map refuses, no segment finds the heir: it ends as one without an answer.
        place::show(table, &key, &heir);
        // It is shown once: whoever retires this one again must not bring it back.
        flow.connection.challenger.set(0);
    }
    if table.overflow(&key) == Some(flow.place) {
        table.overflow_remove(&key);
    }
    if is_locked {
        table.unlock(set);
    }
}
