//! The entries of the flow step: a segment on the inside, and one on the outside.

use super::{
    Runtime, opening,
    place::{self, Search},
    sequence, slow,
};
use crate::{
    layout::{Bucket, Event, FlowKey, OutsideEvent, OutsideKey, Sender},
    packet::{InParts, Segment, flag},
};

/// Numbers further ahead than this, or behind what was expected, need a look at the whole state: of
/// what is behind, only that knows the ISN, and a late copy of an older connection may be a little
/// below it. More than the largest super-packet (512 KiB, kernel: include/linux/netdevice.h,
/// GSO_MAX_SIZE).
const FAR: u32 = 1 << 20;

/// What [`inside`] does with nearly all segments, for which nothing of them has to be in memory. `false`
/// for one that needs more; then nothing was done.
#[inline(always)]
pub fn inside_at_once<T: Runtime>(
    table: &T,
    segment: &impl InParts,
    sender: Sender,
    interface: u32,
) -> bool {
    if !is_plain(segment.flags()) {
        return false;
    }
    let endpoints = segment.endpoints();
    let key = |endpoints| FlowKey::of(&endpoints, sender, interface);
    let key_again = || key(segment.endpoints_again(endpoints));
    let search = Search::for_key(table, &key(endpoints));
    // Each look has a way of its own, so that the first need not keep what the other wants.
    if let Some((bucket, place)) = search.first(table, key_again) {
        return count_whole(table, bucket, place, segment, sender);
    }
    match search.further(table, &key_again()) {
        Some((bucket, place)) => count_whole(table, bucket, place, segment, sender),
        None => false,
    }
}

/// A segment on the inside interface with this number.
#[inline(always)]
pub fn inside<T: Runtime>(table: &T, segment: &Segment, sender: Sender, interface: u32) {
    let key = FlowKey::of(&segment.endpoints(), sender, interface);
    match place::find(table, &key) {
        Some((bucket, place)) => {
            let is_fast = is_plain(segment.flags) && bucket.owner().is_fast();
            if !is_fast || !count(table, bucket, place, segment, sender) {
                slow::known(table, bucket, segment, sender);
            }
        }
        None => {
            if let Some(bucket) = opening::unknown(table, &key, segment, sender) {
                slow::known(table, bucket, segment, sender);
            }
        }
    }
}

/// The same as [`count`] of one that was not read as a whole yet; `false` also if it contradicts itself.
#[inline(always)]
fn count_whole<T: Runtime>(
    table: &T,
    bucket: &Bucket,
    place: u32,
    segment: &impl InParts,
    sender: Sender,
) -> bool {
    match segment.whole() {
        Some(segment) => count(table, bucket, place, &segment, sender),
        None => false,
    }
}

/// Counts a plain segment of a connection on the fast path; `false` if its number is an unlikely one.
#[inline(always)]
fn count<T: Runtime>(
    table: &T,
    bucket: &Bucket,
    place: u32,
    segment: &Segment,
    sender: Sender,
) -> bool {
    let cell = bucket.next.get(sender);
    let next = cell.get();
    // Of a plain segment, in which only payload has numbers.
    let end = segment.seq.wrapping_add(segment.payload);
    let ahead = sequence::ahead(end, next).cast_unsigned();
    if ahead >= FAR {
        return false;
    }
    if ahead > 0 {
        cell.set(next + u64::from(ahead));
    }
    note_time(table, bucket);
    if let Some(counters) = table.counters(place) {
        counters.add(segment, segment.payload, sender);
    }
    true
}

#[inline(always)]
const fn is_plain(flags: u8) -> bool {
    flags & (flag::SYN | flag::FIN | flag::RST) == 0
}

#[inline(always)]
fn note_time<T: Runtime>(table: &T, bucket: &Bucket) {
    if T::IS_EXACT {
        if let Some(connection) = table.connection(bucket.owner().slot()) {
            connection.last_ns.set(table.now_ns());
        }
        return;
    }
    let ticks = table.ticks();
    if bucket.last_seen_ticks.get() != ticks {
        bucket.last_seen_ticks.set(ticks);
    }
}

/// A segment on the outside interface with this number. Only openings matter there.
#[inline(always)]
pub fn outside<T: Runtime>(table: &T, segment: &Segment, sender: Sender, interface: u16) {
    if !segment.opens() {
        return;
    }
    let key = OutsideKey::of(segment, sender, interface);
    let at_ns = table.now_ns();
    match table.note_outside(&key, at_ns) {
        Ok(()) => table.emit(&Event::Outside(OutsideEvent { key, at_ns })),
        Err(cause) => table.ignore(cause, segment),
    }
}
