//! Everything but plain segments of established connections: the handshake, the end, re-used
//! 4-tuples, and numbers that do not fit. Three functions, because programs have little stack.

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
#[inline(always)]
pub(super) fn known<T: Runtime>(table: &T, bucket: &Bucket, segment: &Segment, sender: Sender) {
    if segment.opens() {
        syn(table, bucket, segment, sender);
    } else if segment.has(flag::SYN) {
        syn_ack(table, bucket, segment, sender);
    } else {
        later(table, bucket, segment, sender);
    }
}

#[inline(never)]
fn syn<T: Runtime>(table: &T, bucket: &Bucket, segment: &Segment, sender: Sender) {
    with_owner(table, bucket, segment, sender, opening::again);
}

#[inline(never)]
fn syn_ack<T: Runtime>(table: &T, bucket: &Bucket, segment: &Segment, sender: Sender) {
    with_owner(table, bucket, segment, sender, opening::answer);
}

#[inline(never)]
fn later<T: Runtime>(table: &T, bucket: &Bucket, segment: &Segment, sender: Sender) {
    with_owner(table, bucket, segment, sender, |table, current, seen| {
        if table.closes_on_first_fin() && current.connection.has_any_fin() {
            return table.ignore(Cause::AfterFirstFin, segment);
        }
        match belonging::of(table, current, segment, sender) {
            Some(flow) => stream::take(table, &flow, seen),
            None => table.ignore(Cause::Stray, segment),
        }
    });
}

#[inline(always)]
fn with_owner<T: Runtime>(
    table: &T,
    bucket: &Bucket,
    segment: &Segment,
    sender: Sender,
    take: impl FnOnce(&T, &Flow<'_>, &Seen<'_>),
) {
    match Flow::owner_of(table, bucket) {
        Some(current) => take(table, &current, &Seen::now(table, segment, sender)),
        None => table.ignore(Cause::Inconsistent, segment),
    }
}
