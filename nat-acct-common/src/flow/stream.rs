//! A segment that belongs to a connection: payload, acknowledgment of the handshake, FIN, RST.

use super::{
    Runtime,
    handle::{Flow, Seen},
    sequence,
};
use crate::{layout::Owner, packet::flag};

/// Counts a segment for `flow` and notes what it says.
#[inline(always)]
pub(super) fn take<T: Runtime>(table: &T, flow: &Flow<'_>, seen: &Seen<'_>) {
    let connection = flow.connection;
    if seen.segment.has(flag::RST) {
        return reset(table, flow, seen);
    }
    if !connection.established.get() {
        establish(table, flow, seen);
    }
    connection.moved.get(seen.sender).set(true);
    flow.account(table, seen, seen.segment.payload);
    advance(flow, seen);
    if connection.rst_ns.get() != 0 && goes_on(flow, seen) {
        connection.alive_after_rst.get(seen.sender).set(true);
    }
    if seen.segment.has(flag::FIN) {
        return finish(table, flow, seen);
    }
    leave_slow_path(flow);
}

/// Whether a segment behind an RST shows that its sender knows of no end: it has data, or it
/// acknowledges data that passed behind the RST.
#[inline(always)]
fn goes_on(flow: &Flow<'_>, seen: &Seen<'_>) -> bool {
    let peer = seen.sender.peer();
    let acknowledges = seen.segment.has(flag::ACK)
        && flow.connection.alive_after_rst.get(peer).get()
        && seen.segment.ack == flow.next().get(peer).get() as u32;
    seen.segment.payload > 0 || acknowledges
}

/// Data that came with an RST is a diagnostic, not part of the stream (RFC 9293, section 3.5.3).
#[inline(always)]
fn reset<T: Runtime>(table: &T, flow: &Flow<'_>, seen: &Seen<'_>) {
    flow.account(table, seen, 0);
    if flow.connection.rst_ns.get() == 0 {
        flow.connection.rst_ns.set(seen.at_ns);
        keep_on_slow_path(flow);
        flow.emit(table);
    }
}

/// The opener's first acknowledgment completes the handshake, and says which of two SYN-ACKs with
/// different numbers counts.
#[inline(always)]
fn establish<T: Runtime>(table: &T, flow: &Flow<'_>, seen: &Seen<'_>) {
    let connection = flow.connection;
    let peer = seen.sender.peer();
    if seen.sender != connection.opener()
        || !seen.segment.has(flag::ACK)
        || !connection.has_isn.get(peer).get()
    {
        return;
    }
    let alternate = connection.alternate_isn.get();
    if connection.has_alternate.get() && seen.segment.ack == alternate.wrapping_add(1) {
        connection.isn.get(peer).set(alternate);
        flow.next().get(peer).set(sequence::first(alternate));
    }
    flow.establish(table);
}

#[inline(always)]
fn advance(flow: &Flow<'_>, seen: &Seen<'_>) {
    if !flow.connection.has_isn.get(seen.sender).get() {
        return;
    }
    let cell = flow.next().get(seen.sender);
    let next = cell.get();
    let ahead = sequence::ahead(seen.segment.end(), next);
    // Behind the FIN there is nothing; what is sent after it carries the number that the FIN took.
    let finished = flow.connection.fin_ns.get(seen.sender).get() != 0;
    if ahead > 0 && !(finished && seen.segment.payload == 0) {
        cell.set(next + u64::from(ahead.unsigned_abs()));
    }
}

/// Notes the first FIN of `sender`.
#[inline(always)]
pub(super) fn finish<T: Runtime>(table: &T, flow: &Flow<'_>, seen: &Seen<'_>) {
    let connection = flow.connection;
    if connection.fin_ns.get(seen.sender).get() != 0 {
        return;
    }
    connection.fin_seq.get(seen.sender).set(seen.segment.end());
    connection.fin_ns.get(seen.sender).set(seen.at_ns);
    keep_on_slow_path(flow);
    flow.emit(table);
}

#[inline(always)]
fn keep_on_slow_path(flow: &Flow<'_>) {
    flow.bucket.change_path(Owner::slow(flow.slot));
}

/// Back to the fast path when nothing needs the whole state any more.
#[inline(always)]
fn leave_slow_path(flow: &Flow<'_>) {
    let connection = flow.connection;
    let plain = connection.established.get()
        && connection.rst_ns.get() == 0
        && !connection.has_any_fin()
        && connection.challenger.get() == 0
        && connection.predecessor.get() == 0;
    if plain {
        flow.bucket.change_path(Owner::fast(flow.slot));
    }
}
