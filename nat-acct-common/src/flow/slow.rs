//! Everything but plain segments of established connections: the handshake, the end, re-used
//! 4-tuples, and numbers that do not fit.

use super::{Runtime, Table, belonging, opening, stream};
use crate::{
    layout::{Bucket, Cause, Connection, Event, EventKind, OutsideKey, PerSender, Sender},
    memory::Shared,
    packet::{Segment, flag},
};

/// A connection under the hands of the flow step.
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
            table.count(Cause::Inconsistent, payload);
        }
        self.connection.last_ns.set(table.now_ns());
        self.bucket.last_seen_ticks.set(table.ticks());
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

/// A segment whose 4-tuple is known.
#[inline(never)]
pub(super) fn known<T: Runtime>(table: &T, bucket: &Bucket, segment: &Segment, sender: Sender) {
    let Some(current) = Flow::owner_of(table, bucket) else {
        return table.count(Cause::Inconsistent, segment.payload);
    };
    if segment.opens() {
        return opening::again(table, &current, segment, sender);
    }
    if segment.has(flag::SYN) {
        return opening::answer(table, &current, segment, sender);
    }
    if table.closes_on_first_fin() && stream::any_fin(current.connection) {
        return table.count(Cause::AfterFirstFin, segment.payload);
    }
    match belonging::of(table, &current, segment, sender) {
        Some(flow) => stream::take(table, &flow, segment, sender),
        None => table.count(Cause::Stray, segment.payload),
    }
}
