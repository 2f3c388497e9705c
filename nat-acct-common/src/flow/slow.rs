//! Everything but plain segments of established connections: the handshake, the end, re-used
//! 4-tuples, and numbers that do not fit.

use super::{Runtime, belonging, handle::Flow, opening, stream};
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
    if segment.opens() {
        return opening::again(table, &current, segment, sender);
    }
    if segment.has(flag::SYN) {
        return opening::answer(table, &current, segment, sender);
    }
    if table.closes_on_first_fin() && current.connection.has_any_fin() {
        return table.ignore(Cause::AfterFirstFin, segment);
    }
    match belonging::of(table, &current, segment, sender) {
        Some(flow) => stream::take(table, &flow, segment, sender),
        None => table.ignore(Cause::Stray, segment),
    }
}
