//! Whose segment is it? Nearly always the bucket's owner's. With a challenger or a predecessor
//! about, or with numbers that do not fit, sequence and acknowledgment numbers decide; what fits
//! nobody is a late copy of a connection that is gone, and counts for nobody.

use super::{Table, handle::Flow, sequence};
use crate::{
    layout::Sender,
    packet::{Segment, flag},
};

/// The largest window (65,535 bytes scaled by 2^14, RFC 7323 section 2.3): nothing that is still
/// under way is further behind.
const MAX_WINDOW: u32 = 1 << 30;
/// How far ahead a number may be: nothing that the gateway has not forwarded can be acknowledged,
/// so only segments that were missed lie between.
const MAX_MISSED: u32 = 1 << 20;

/// The connection that a segment other than a SYN belongs to.
#[inline(always)]
pub(super) fn of<'a, T: Table>(
    table: &'a T,
    current: &Flow<'a>,
    segment: &Segment,
    sender: Sender,
) -> Option<Flow<'a>> {
    if let Some(challenger) = Flow::of_slot(table, current.connection.challenger.get()) {
        if is_refusal(&challenger, segment, sender) {
            return Some(challenger);
        }
        if sender != challenger.connection.opener() {
            challenger.connection.challenged.set(true);
        }
    }
    let seq_fits = seq_fits(current, segment, sender, MAX_MISSED);
    let ack_fits = ack_fits(current, segment, sender, MAX_MISSED);
    if seq_fits && (ack_fits || !segment.has(flag::ACK)) {
        return Some(*current);
    }
    if let Some(predecessor) = Flow::of_slot(table, current.connection.predecessor.get())
        && self::seq_fits(&predecessor, segment, sender, 1)
        && self::ack_fits(&predecessor, segment, sender, 1)
    {
        return Some(predecessor);
    }
    (seq_fits || ack_fits).then_some(*current)
}

/// Whether an RST answers the challenger's SYN, or takes it back. If the peer has gone on with the
/// older connection, the opener's RST answers that (RFC 9293, section 3.10.7.3), even if the number
/// also follows the SYN.
#[inline(always)]
fn is_refusal(challenger: &Flow<'_>, segment: &Segment, sender: Sender) -> bool {
    let opener = challenger.connection.opener();
    let next = challenger.next().get(opener).get() as u32;
    segment.has(flag::RST)
        && if sender == opener {
            segment.seq == next && !challenger.connection.challenged.get()
        } else {
            segment.has(flag::ACK) && segment.ack == next
        }
}

#[inline(always)]
fn seq_fits(flow: &Flow<'_>, segment: &Segment, sender: Sender, missed: u32) -> bool {
    // A keep-alive repeats the number before the next one (RFC 9293, section 3.8.4).
    fits(flow, sender, segment.seq.wrapping_add(1), missed + 1)
}

#[inline(always)]
fn ack_fits(flow: &Flow<'_>, segment: &Segment, sender: Sender, missed: u32) -> bool {
    // A FIN is acknowledged by the number after it.
    segment.has(flag::ACK) && fits(flow, sender.peer(), segment.ack, missed + 1)
}

/// Whether `number` lies in the stream of `sender` as far as it was seen, or `missed` beyond.
#[inline(always)]
fn fits(flow: &Flow<'_>, sender: Sender, number: u32, missed: u32) -> bool {
    if !flow.connection.has_isn.get(sender).get() {
        return false;
    }
    let next = flow.next().get(sender).get();
    let ahead = sequence::ahead(number, next);
    if ahead >= 0 {
        return ahead.unsigned_abs() <= missed;
    }
    let behind = ahead.unsigned_abs();
    let isn = flow.connection.isn.get(sender).get();
    behind <= MAX_WINDOW && u64::from(behind) <= sequence::length(isn, next)
}
