//! A connection under the hands of the flow step: its facts, and the bucket with its numbers; and
//! the segment that it is for.

use super::{Runtime, Table};
use crate::{
    layout::{Bucket, Cause, Connection, ConnectionEvent, Event, PerSender, Sender},
    memory::Shared,
    packet::Segment,
};

/// A segment off the fast path, and when it was seen: the exact clock is read once for each.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub segment: &'a Segment,
    pub sender: Sender,
    pub at_ns: u64,
}

impl<'a> Seen<'a> {
    /// `segment` is seen now.
    #[inline(always)]
    pub fn now<T: Runtime>(table: &T, segment: &'a Segment, sender: Sender) -> Self {
        Self {
            segment,
            sender,
            at_ns: table.now_ns(),
        }
    }
}

/// A connection that a segment may belong to.
#[derive(Clone, Copy)]
pub(super) struct Flow<'a> {
    pub slot: u32,
    pub connection: &'a Connection,
    /// Where its key and its numbers are.
    pub bucket: &'a Bucket,
    /// The number of the bucket.
    pub place: u32,
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
            place: connection.place_number.get(),
        })
    }

    /// The connection in `slot`; `None` for slot 0, and for one that has no bucket yet or no more.
    #[inline(always)]
    pub fn of_slot<T: Table>(table: &'a T, slot: u32) -> Option<Self> {
        if slot == 0 {
            return None;
        }
        let connection = table.connection(slot)?;
        let place = connection.place_number.get();
        let bucket = table.bucket(place)?;
        (bucket.owner().slot() == slot).then_some(Self {
            slot,
            connection,
            bucket,
            place,
        })
    }

    /// The numbers that come next.
    #[inline(always)]
    pub fn next(&self) -> &'a PerSender<Shared<u64>> {
        &self.bucket.next
    }

    /// Counts a segment, `payload` bytes of which belong to the stream.
    #[inline(always)]
    pub fn account<T: Runtime>(&self, table: &T, seen: &Seen<'_>, payload: u32) {
        if let Some(counters) = table.counters(self.place) {
            counters.add(seen.segment, payload, seen.sender);
        } else {
            table.ignore(Cause::Inconsistent, seen.segment);
        }
        self.connection.last_ns.set(seen.at_ns);
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
    pub fn emit<T: Runtime>(&self, table: &T) {
        table.emit(&Event::Connection(ConnectionEvent { slot: self.slot }));
    }
}
