//! SYN and SYN-ACK: openings, retransmissions of them, and rule 4 of the design: a SYN with
//! another number for a live 4-tuple is a challenger until the peer's SYN-ACK decides.

use super::{
    Runtime,
    handle::Flow,
    place::{self, Claimed},
    sequence, stream,
};
use crate::{
    layout::{Bucket, Cause, EventKind, FlowKey, Owner, Sender},
    packet::{Segment, flag},
};

/// A segment whose 4-tuple is not known: a SYN opens a connection, anything else is ignored. Returns
/// the bucket if another processor has opened the connection meanwhile.
#[inline(never)]
pub(super) fn unknown<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    segment: &Segment,
    sender: Sender,
) -> Option<&'a Bucket> {
    if !segment.opens() {
        table.ignore(Cause::UnknownConnection, segment);
        return None;
    }
    match open(table, key, segment, sender) {
        Ok(existing) => existing,
        Err(cause) => {
            table.ignore(cause, segment);
            None
        }
    }
}

#[inline(always)]
fn open<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    segment: &Segment,
    sender: Sender,
) -> Result<Option<&'a Bucket>, Cause> {
    let flow = begin(table, key, segment, sender)?;
    let claimed = place::claim(table, key, flow.connection, flow.slot);
    if let Ok(Claimed::New(bucket)) = claimed {
        let flow = Flow { bucket, ..flow };
        flow.emit(table, EventKind::Opened);
        account(table, &flow, segment, sender);
        return Ok(None);
    }
    flow.connection.opened_ns.set(0);
    table.return_slot(flow.slot);
    table.return_permit();
    match claimed? {
        Claimed::New(_) => Ok(None),
        Claimed::Existing(bucket) => Ok(Some(bucket)),
    }
}

/// Takes a slot and notes the opening in it.
#[inline(always)]
fn begin<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    segment: &Segment,
    opener: Sender,
) -> Result<Flow<'a>, Cause> {
    if !table.take_permit() {
        return Err(Cause::HalfOpenFull);
    }
    let Some(slot) = table.take_slot() else {
        table.return_permit();
        return Err(Cause::TableFull);
    };
    let connection = table.connection(slot).ok_or(Cause::Inconsistent)?;
    let now_ns = table.now_ns();
    connection.begin(key, opener, now_ns, table.ticks());
    let flow = Flow {
        slot,
        connection,
        bucket: &connection.own_bucket,
    };
    learn_isn(&flow, segment, opener);
    connection.opened_ns.set(now_ns);
    Ok(flow)
}

#[inline(always)]
fn learn_isn(flow: &Flow<'_>, segment: &Segment, sender: Sender) {
    flow.connection.isn.get(sender).set(segment.seq);
    flow.next()
        .get(sender)
        .set(sequence::first(segment.seq) + u64::from(segment.payload));
    flow.connection.has_isn.get(sender).set(true);
}

/// A SYN for a known 4-tuple.
#[inline(always)]
pub(super) fn again<T: Runtime>(table: &T, current: &Flow<'_>, segment: &Segment, sender: Sender) {
    let connection = current.connection;
    if connection.is_opened_by(segment, sender) {
        return retry(table, current, segment, sender);
    }
    if !connection.has_isn.get(sender).get() && !connection.has_ended() {
        // Simultaneous open, or a split handshake: the other side's own SYN.
        learn_isn(current, segment, sender);
        return account(table, current, segment, sender);
    }
    match Flow::unplaced(table, connection.challenger.get()) {
        Some(challenger) if challenger.connection.is_opened_by(segment, sender) => {
            retry(table, &challenger, segment, sender);
        }
        _ => challenge(table, current, segment, sender),
    }
}

/// The opening SYN again. If it had been refused, that was no end.
#[inline(always)]
fn retry<T: Runtime>(table: &T, flow: &Flow<'_>, segment: &Segment, sender: Sender) {
    if flow.connection.rst_ns.get() != 0 {
        flow.connection.forget_reset();
    }
    flow.connection.last_syn_ns.set(table.now_ns());
    account(table, flow, segment, sender);
}

/// A new opening for the 4-tuple of `current`: it takes over at once if `current` has ended, else
/// when it is answered.
#[inline(always)]
fn challenge<T: Runtime>(table: &T, current: &Flow<'_>, segment: &Segment, sender: Sender) {
    let key = current.connection.key();
    let challenger = match begin(table, &key, segment, sender) {
        Ok(challenger) => challenger,
        Err(cause) => return table.ignore(cause, segment),
    };
    challenger.connection.predecessor.set(current.slot);
    current.connection.challenger.set(challenger.slot);
    current.bucket.set_owner(Owner::slow(current.slot));
    challenger.emit(table, EventKind::Opened);
    account(table, &challenger, segment, sender);
    let first_fin = table.closes_on_first_fin() && current.connection.has_any_fin();
    if current.connection.has_ended() || first_fin {
        take_over(table, current, &challenger);
    }
}

#[inline(always)]
fn take_over<'a, T: Runtime>(
    table: &'a T,
    current: &Flow<'a>,
    challenger: &Flow<'a>,
) -> Option<Flow<'a>> {
    match place::hand_over(table, current, challenger) {
        Ok(bucket) => {
            current.emit(table, EventKind::Superseded);
            Some(Flow {
                bucket,
                ..*challenger
            })
        }
        Err(cause) => {
            table.count(cause);
            None
        }
    }
}

/// A SYN-ACK: which opening does it acknowledge? The challenger is asked first, for it may have
/// the ISN of the current connection (a device that was switched off).
#[inline(always)]
pub(super) fn answer<T: Runtime>(table: &T, current: &Flow<'_>, segment: &Segment, sender: Sender) {
    let challenger = Flow::unplaced(table, current.connection.challenger.get())
        .filter(|challenger| acknowledges(challenger, segment, sender));
    match challenger.and_then(|challenger| take_over(table, current, &challenger)) {
        Some(successor) => answered(table, &successor, segment, sender),
        None if acknowledges(current, segment, sender) => {
            answered(table, current, segment, sender);
        }
        None => table.ignore(Cause::Stray, segment),
    }
}

/// Whether a SYN-ACK acknowledges the peer's SYN, or what came with it: data (RFC 7413), FIN.
#[inline(always)]
fn acknowledges(flow: &Flow<'_>, segment: &Segment, sender: Sender) -> bool {
    let peer = sender.peer();
    if !flow.connection.has_isn.get(peer).get() {
        return false;
    }
    let isn = flow.connection.isn.get(peer).get();
    let acknowledged = segment.ack.wrapping_sub(isn).wrapping_sub(1);
    let fin = u64::from(flow.connection.fin_ns.get(peer).get() != 0);
    u64::from(acknowledged) <= sequence::length(isn, flow.next().get(peer).get()) + fin
}

#[inline(always)]
fn answered<T: Runtime>(table: &T, flow: &Flow<'_>, segment: &Segment, sender: Sender) {
    let connection = flow.connection;
    if !connection.has_isn.get(sender).get() {
        learn_isn(flow, segment, sender);
    } else if connection.isn.get(sender).get() != segment.seq && !connection.established.get() {
        connection.alternate_isn.set(segment.seq);
        connection.has_alternate.set(true);
    }
    if sender == connection.opener() {
        flow.establish(table);
    }
    account(table, flow, segment, sender);
}

/// Counts a segment with a SYN, which may carry data (RFC 7413) and even the FIN.
#[inline(always)]
fn account<T: Runtime>(table: &T, flow: &Flow<'_>, segment: &Segment, sender: Sender) {
    flow.account(table, segment, segment.payload, sender);
    if segment.has(flag::FIN) {
        stream::finish(table, flow, segment, sender);
    }
}
