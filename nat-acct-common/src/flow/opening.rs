//! SYN and SYN-ACK: openings, retransmissions of them, and rule 4 of the design: a SYN with
//! another number for a live 4-tuple is a challenger until the peer's SYN-ACK decides.

use super::{
    Runtime,
    handle::{Flow, Seen},
    place::{self, Claimant, Claimed},
    sequence, stream,
};
use crate::{
    layout::{Bucket, Cause, Connection, FlowKey, Owner, Sender},
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
    match open(table, key, &Seen::now(table, segment, sender)) {
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
    seen: &Seen<'_>,
) -> Result<Option<&'a Bucket>, Cause> {
    match begin(table, key, seen, false)? {
        Claimed::New(bucket) => {
            let flow = Flow::owner_of(table, bucket).ok_or(Cause::Inconsistent)?;
            flow.emit(table);
            account(table, &flow, seen);
            Ok(None)
        }
        Claimed::Existing(bucket) => Ok(Some(bucket)),
    }
}

/// Takes a slot and a place, and notes the opening there.
#[inline(always)]
fn begin<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    seen: &Seen<'_>,
    is_hidden: bool,
) -> Result<Claimed<'a>, Cause> {
    if !table.take_permit() {
        return Err(Cause::HalfOpenFull);
    }
    let Some(slot) = table.take_slot() else {
        table.return_permit();
        return Err(Cause::TableFull);
    };
    let connection = table.connection(slot).ok_or(Cause::Inconsistent)?;
    connection.begin(seen.sender, seen.at_ns, table.ticks());
    note_isn(connection, seen);
    connection.opened_ns.set(seen.at_ns);
    let claimant = Claimant {
        slot,
        connection,
        next: first_number(seen),
        is_hidden,
    };
    let claimed = place::claim(table, key, &claimant);
    if !matches!(claimed, Ok(Claimed::New(_))) {
        connection.opened_ns.set(0);
        table.return_slot(slot);
        table.return_permit();
    }
    claimed
}

#[inline(always)]
fn learn_isn(flow: &Flow<'_>, seen: &Seen<'_>) {
    flow.next().get(seen.sender).set(first_number(seen));
    note_isn(flow.connection, seen);
}

#[inline(always)]
fn note_isn(connection: &Connection, seen: &Seen<'_>) {
    connection.isn.get(seen.sender).set(seen.segment.seq);
    connection.has_isn.get(seen.sender).set(true);
}

/// The number after a SYN and what came with it.
#[inline(always)]
fn first_number(seen: &Seen<'_>) -> u64 {
    sequence::first(seen.segment.seq) + u64::from(seen.segment.payload)
}

/// A SYN for a known 4-tuple.
#[inline(always)]
pub(super) fn again<T: Runtime>(table: &T, current: &Flow<'_>, seen: &Seen<'_>) {
    let connection = current.connection;
    if connection.is_opened_by(seen.segment, seen.sender) {
        return retry(table, current, seen);
    }
    if !connection.has_isn.get(seen.sender).get() && !connection.has_ended() {
        // Simultaneous open, or a split handshake: the other side's own SYN.
        learn_isn(current, seen);
        return account(table, current, seen);
    }
    match Flow::of_slot(table, connection.challenger.get()) {
        Some(challenger)
            if challenger
                .connection
                .is_opened_by(seen.segment, seen.sender) =>
        {
            retry(table, &challenger, seen);
        }
        _ => challenge(table, current, seen),
    }
}

/// The opening SYN again. If it had been refused, that was no end.
#[inline(always)]
fn retry<T: Runtime>(table: &T, flow: &Flow<'_>, seen: &Seen<'_>) {
    if flow.connection.rst_ns.get() != 0 {
        flow.connection.forget_reset();
    }
    flow.connection.last_syn_ns.set(seen.at_ns);
    account(table, flow, seen);
}

/// A new opening for the 4-tuple of `current`: it takes over at once if `current` has ended, else
/// when it is answered.
#[inline(always)]
fn challenge<T: Runtime>(table: &T, current: &Flow<'_>, seen: &Seen<'_>) {
    let key = current.bucket.key();
    let bucket = match begin(table, &key, seen, true) {
        Ok(Claimed::New(bucket) | Claimed::Existing(bucket)) => bucket,
        Err(cause) => return table.ignore(cause, seen.segment),
    };
    let Some(challenger) = Flow::owner_of(table, bucket) else {
        return table.ignore(Cause::Inconsistent, seen.segment);
    };
    challenger.connection.predecessor.set(current.slot);
    current.connection.challenger.set(challenger.slot);
    current.bucket.change_path(Owner::slow(current.slot));
    challenger.emit(table);
    account(table, &challenger, seen);
    let first_fin = table.closes_on_first_fin() && current.connection.has_any_fin();
    if current.connection.has_ended() || first_fin {
        take_over(table, current, &challenger);
    }
}

/// Tells whether it did.
#[inline(always)]
fn take_over<T: Runtime>(table: &T, current: &Flow<'_>, challenger: &Flow<'_>) -> bool {
    match place::hand_over(table, current, challenger) {
        Ok(()) => {
            current.emit(table);
            true
        }
        Err(cause) => {
            table.count(cause);
            false
        }
    }
}

/// A SYN-ACK: which opening does it acknowledge? The challenger is asked first, for it may have
/// the ISN of the current connection (a device that was switched off).
#[inline(always)]
pub(super) fn answer<T: Runtime>(table: &T, current: &Flow<'_>, seen: &Seen<'_>) {
    let challenger = Flow::of_slot(table, current.connection.challenger.get())
        .filter(|challenger| acknowledges(challenger, seen));
    match challenger.filter(|challenger| take_over(table, current, challenger)) {
        Some(successor) => answered(table, &successor, seen),
        None if acknowledges(current, seen) => {
            answered(table, current, seen);
        }
        None => table.ignore(Cause::Stray, seen.segment),
    }
}

/// Whether a SYN-ACK acknowledges the peer's SYN, or what came with it: data (RFC 7413), FIN.
#[inline(always)]
fn acknowledges(flow: &Flow<'_>, seen: &Seen<'_>) -> bool {
    let peer = seen.sender.peer();
    if !flow.connection.has_isn.get(peer).get() {
        return false;
    }
    let isn = flow.connection.isn.get(peer).get();
    let acknowledged = seen.segment.ack.wrapping_sub(isn).wrapping_sub(1);
    let fin = u64::from(flow.connection.fin_ns.get(peer).get() != 0);
    u64::from(acknowledged) <= sequence::length(isn, flow.next().get(peer).get()) + fin
}

#[inline(always)]
fn answered<T: Runtime>(table: &T, flow: &Flow<'_>, seen: &Seen<'_>) {
    let connection = flow.connection;
    if !connection.has_isn.get(seen.sender).get() {
        learn_isn(flow, seen);
    } else if connection.isn.get(seen.sender).get() != seen.segment.seq
        && !connection.established.get()
    {
        connection.alternate_isn.set(seen.segment.seq);
        connection.has_alternate.set(true);
    }
    if seen.sender == connection.opener() {
        flow.establish(table);
    }
    account(table, flow, seen);
}

/// Counts a segment with a SYN, which may carry data (RFC 7413) and even the FIN.
#[inline(always)]
fn account<T: Runtime>(table: &T, flow: &Flow<'_>, seen: &Seen<'_>) {
    flow.account(table, seen, seen.segment.payload);
    if seen.segment.has(flag::FIN) {
        stream::finish(table, flow, seen);
    }
}
