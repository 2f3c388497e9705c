//! Everything but plain segments of established connections: the handshake, the end, re-used
//! 4-tuples, and numbers that do not fit.

use super::{
    Runtime, belonging,
    handle::{Flow, Seen},
    opening, stream,
};
use crate::{
    layout::{Bucket, Cause, Sender},
    packet::{Segment, flag},
};

/// A segment whose 4-tuple is known.
#[inline(never)]
pub(super) fn known<T: Runtime>(table: &T, bucket: &Bucket, segment: &Segment, sender: Sender) {
    let Some(current) = Flow::owner_of(table, bucket) else {
        return table.ignore(Cause::Inconsistent, segment);
    };
    let seen = Seen::now(table, segment, sender);
    if segment.opens() {
        return opening::again(table, &current, &seen);
    }
    if segment.has(flag::SYN) {
        return opening::answer(table, &current, &seen);
    }
    if table.closes_on_first_fin() && current.connection.has_any_fin() {
        return table.ignore(Cause::AfterFirstFin, segment);
    }
    match belonging::of(table, &current, segment, sender) {
        Some(flow) => stream::take(table, &flow, &seen),
        None => table.ignore(Cause::Stray, segment),
    }
}
