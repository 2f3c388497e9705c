//! Taking a connection out, in user space. It goes in three steps, so that no segment is lost and
//! none lands in another connection: [`retire`] unlinks it; when every program that may still be
//! at work on it has ended (an RCU grace period), [`settle`] makes its facts final; when its record
//! is written, [`release`] lets others have its bucket. Each step may be taken again by another
//! agent if this one is killed.

use super::{Facts, Table};
use crate::layout::{Connection, Owner, Place};

/// A connection that new segments no longer find.
#[derive(Debug)]
#[must_use = "the bucket stays blocked until it is released"]
pub struct Retired {
    /// The connection's slot.
    pub slot: u32,
    bucket: Option<u32>,
}

/// Unlinks the connection in `slot`. A challenger takes its place.
pub fn retire<T: Table>(table: &T, slot: u32) -> Option<Retired> {
    let connection = table.connection(slot)?;
    unlink_relatives(table, connection, slot);
    let challenger = connection.challenger.get();
    let bucket = match Place::from_bits(connection.place.get()) {
        Place::Table(number) => leave_table(table, connection, slot, challenger, number),
        Place::Overflow => {
            leave_overflow(table, connection, slot, challenger);
            None
        }
    };
    Some(Retired { slot, bucket })
}

/// Makes the facts complete and returns them.
pub fn settle<T: Table>(table: &T, retired: &Retired, tick_ns: u64) -> Option<Facts> {
    let connection = table.connection(retired.slot)?;
    if let Some(bucket) = retired.bucket.and_then(|number| table.bucket(number)) {
        connection.own_bucket.copy_numbers(bucket);
    }
    Facts::read(table, retired.slot, tick_ns)
}

/// Gives the bucket free and forgets the facts. The caller clears the counters after that, and then
/// gives the slot back: whoever finds the slot with facts finds them whole. Returns whether the
/// permit of the opening is to be given back, too.
pub fn release<T: Table>(table: &T, retired: Retired) -> bool {
    if let Some(bucket) = retired.bucket.and_then(|number| table.bucket(number)) {
        bucket.set_owner(Owner::FREE);
    }
    let Some(connection) = table.connection(retired.slot) else {
        return false;
    };
    connection.opened_ns.set(0);
    !connection.established.get()
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

/// Returns the number of the bucket if it is to be released later.
fn leave_table<T: Table>(
    table: &T,
    connection: &Connection,
    slot: u32,
    challenger: u32,
    number: u32,
) -> Option<u32> {
    let bucket = table.bucket(number)?;
    match table.connection(challenger).filter(|_| challenger != 0) {
        Some(heir) => {
            connection.own_bucket.copy_numbers(bucket);
            bucket.copy_numbers(&heir.own_bucket);
            promote(heir, connection);
            bucket.disown(slot, Owner::slow(challenger));
            None
        }
        None => bucket.disown(slot, Owner::retired(slot)).then_some(number),
    }
}

fn leave_overflow<T: Table>(table: &T, connection: &Connection, slot: u32, challenger: u32) {
    let key = connection.key();
    let index = key.hash(&table.seed()) & table.set_mask();
    let locked = table.lock(index);
    if table.overflow(&key) == Some(slot) {
        match table.connection(challenger).filter(|_| challenger != 0) {
            Some(heir) => {
                promote(heir, connection);
                heir.own_bucket.set_owner(Owner::slow(challenger));
                table.overflow_insert(&key, challenger);
            }
            None => table.overflow_remove(&key),
        }
    }
    if locked {
        table.unlock(index);
    }
}

fn promote(heir: &Connection, connection: &Connection) {
    heir.place.set(connection.place.get());
    heir.predecessor.set(0);
}
