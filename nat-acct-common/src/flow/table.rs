//! What the flow step needs of the memory that it works on: the kernel's maps, seen from a program
//! or from user space, or the vectors of replay and tests.

use crate::{
    layout::{Bucket, Cause, Connection, Counters, Event, FlowKey, OutsideKey},
    packet::Segment,
};

/// The state of all connections, without their counters.
pub trait Table {
    /// The part for a word of a key of the hash's secret, see [`Seed`](crate::layout::Seed).
    fn seed(&self, word: usize) -> [u64; 2];

    /// Number of buckets in all sets less one; the number is a power of two.
    fn bucket_mask(&self) -> u32;

    /// The bucket at a place: set times [`WAYS`](crate::layout::WAYS) plus way, or a spare one.
    fn bucket(&self, place: u32) -> Option<&Bucket>;

    /// Whether no set has this place.
    #[inline(always)]
    fn is_spare(&self, place: u32) -> bool {
        place > self.bucket_mask()
    }

    /// The spare place under `key` in the overflow map.
    fn overflow(&self, key: &FlowKey) -> Option<u32>;

    /// Writes a spare place under `key` in the overflow map; `false` when that is full.
    fn overflow_insert(&self, key: &FlowKey, place: u32) -> bool;

    /// Removes `key` from the overflow map.
    fn overflow_remove(&self, key: &FlowKey);

    /// Takes the lock of a set; `false` when it stayed taken for too long.
    fn lock(&self, set: u32) -> bool;

    /// Gives the lock of a set back.
    fn unlock(&self, set: u32);

    /// The facts of the connection in `slot`.
    fn connection(&self, slot: u32) -> Option<&Connection>;
}

/// A table, and all else that the flow step needs to work on it.
pub trait Runtime: Table {
    /// Whether the exact clock costs nothing. Then every segment notes it, and the coarse clock
    /// is not needed.
    const IS_EXACT: bool = false;

    /// Takes a free slot. Slots count from 1.
    fn take_slot(&self) -> Option<u32>;

    /// Gives back the slot of a connection that found no bucket, or is over.
    fn return_slot(&self, slot: u32);

    /// Takes a spare place.
    fn take_spare(&self) -> Option<u32>;

    /// Gives back a spare place.
    fn return_spare(&self, place: u32);

    /// Takes one of the permits for openings that are not answered yet: their number is bounded, so
    /// that a flood of them leaves room for connections.
    fn take_permit(&self) -> bool;

    /// Gives back the permit of an opening that was answered, found no place, or is over.
    fn return_permit(&self);

    /// The counters of the connection at `place`, those of the processor that runs.
    fn counters(&self, place: u32) -> Option<&Counters>;

    /// Notes a SYN on the outside.
    ///
    /// # Errors
    ///
    /// [`Cause::OutsideFull`].
    fn note_outside(&self, key: &OutsideKey, now_ns: u64) -> Result<(), Cause>;

    /// Tells user space.
    fn emit(&self, event: &Event);

    /// Counts an early return, or something else that went wrong, of so many wire packets with
    /// `payload_bytes` of TCP payload.
    fn count_packets(&self, cause: Cause, packets: u32, payload_bytes: u32);

    /// Counts what happened once, to no payload that is known.
    #[inline(always)]
    fn count(&self, cause: Cause) {
        self.count_packets(cause, 1, 0);
    }

    /// Counts a segment that is in no connection's counters.
    #[inline(always)]
    fn ignore(&self, cause: Cause, segment: &Segment) {
        self.count_packets(cause, segment.packets, segment.payload);
    }

    /// The exact clock: monotonic, in nanoseconds.
    fn now_ns(&self) -> u64;

    /// The coarse clock, which costs nothing; its unit is the table's affair.
    fn ticks(&self) -> u32;

    /// Whether the first FIN ends a connection (`--close-on first-fin`).
    fn closes_on_first_fin(&self) -> bool;
}
