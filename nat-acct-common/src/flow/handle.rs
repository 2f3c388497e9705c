//! A connection under the hands of the flow step: its facts, and the bucket with its numbers.

use super::{Runtime, Table};
use crate::{
    layout::{Bucket, Cause, Connection, Event, EventKind, OutsideKey, PerSender, Sender},
    memory::Shared,
    packet::Segment,
};

/// A connection that a segment may belong to.
#[derive(Clone, Copy)]
pub(super) struct Flow<'a> {
    pub slot: u32,
    pub connection: &'a Connection,
    /// Where its numbers are: a bucket of the flow table, or the connection's own.
    pub bucket: &'a Bucket,
}

impl<'a> Flow<'a> {
    /// The owner of `bucket`.
    #[inline(always)]
    pub fn owner_of<T: Table>(table: &'a T, bucket: &'a Bucket) -> Option<Self> {
        let slot = bucket.owner().slot();
        let connection = table.connection(slot)?;
        Some(Self {
            slot,
            connection,
            bucket,
        })
    }

    /// The connection in `slot`, which owns no bucket of the table; `None` for slot 0.
    #[inline(always)]
    pub fn unplaced<T: Table>(table: &'a T, slot: u32) -> Option<Self> {
        if slot == 0 {
            return None;
        }
        let connection = table.connection(slot)?;
        Some(Self {
            slot,
            connection,
            bucket: &connection.own_bucket,
        })
    }

    /// The numbers that come next.
    #[inline(always)]
    pub fn next(&self) -> &'a PerSender<Shared<u64>> {
        &self.bucket.next
    }

    /// Counts `segment`, `payload` bytes of which belong to the stream.
    #[inline(always)]
    pub fn account<T: Runtime>(&self, table: &T, segment: &Segment, payload: u32, sender: Sender) {
        if let Some(counters) = table.counters(self.slot) {
            counters.add(segment, payload, sender);
        } else {
            table.ignore(Cause::Inconsistent, segment);
        }
        self.connection.last_ns.set(table.now_ns());
        self.bucket.last_seen_ticks.set(table.ticks());
    }

    /// Notes that the opener has acknowledged the peer's SYN.
    #[inline(always)]
    pub fn establish<T: Runtime>(&self, table: &T) {
        if !self.connection.established.get() {
            self.connection.established.set(true);
            table.return_permit();
        }
    }

    /// Tells user space of something that happened to this connection.
    #[inline(always)]
    pub fn emit<T: Runtime>(&self, table: &T, kind: EventKind) {
        table.emit(&Event {
            kind: kind as u32,
            slot: self.slot,
            at_ns: table.now_ns(),
            outside: OutsideKey::default(),
        });
    }
}
