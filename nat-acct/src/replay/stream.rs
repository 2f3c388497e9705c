//! One capture as a stream of segments in the order of their times: read, parsed, and told by side
//! and sender. What is of no use is counted by cause and dropped at once.

use nat_acct_common::{
    layout::Cause,
    packet::{self, Frame, Vlan},
};

use super::{
    direction::{self, Directions},
    reorder::Reorder,
    seen::{Seen, Side},
    sides::Sides,
    superpacket,
};
use crate::capture::{Capture, Link, Packet, Payload, Trouble};

/// What was read of a capture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    /// All packets.
    pub packets: u64,
    /// Those of interfaces that were not asked for.
    pub elsewhere: u64,
    /// TCP segments on the inside of which it is not known who sent them.
    pub undirected: u64,
    /// Those that are no TCP segments that can be understood, by cause.
    pub ignored: [u64; Cause::ALL.len()],
}

pub(super) struct Stream {
    capture: Capture,
    sides: Sides,
    directions: Directions,
    reorder: Reorder,
    mtu: u32,
    /// How far ahead of the others this capture is read.
    ahead_ns: u64,
    read: Read,
    refusal: Option<&'static str>,
    ended: bool,
    /// When the first packet was captured, and the last one.
    first_ns: Option<u64>,
    last_ns: u64,
}

/// What came of a packet.
enum Found {
    Segment(Seen),
    UnknownLink,
    Nothing,
}

impl Stream {
    pub(super) fn new(
        capture: Capture,
        sides: Sides,
        directions: Directions,
        mtu: u32,
        ahead_ns: u64,
    ) -> Self {
        Self {
            capture,
            sides,
            directions,
            reorder: Reorder::default(),
            mtu,
            ahead_ns,
            read: Read::default(),
            refusal: None,
            ended: false,
            first_ns: None,
            last_ns: 0,
        }
    }

    /// When the next segment is due, after reading as far as it takes to know.
    #[inline]
    pub(super) fn due_ns(&mut self) -> Option<u64> {
        loop {
            let next_ns = if self.ended {
                self.reorder.last_ns()
            } else {
                self.reorder.ready_ns()
            };
            match next_ns {
                Some(next_ns) => return Some(next_ns.saturating_sub(self.ahead_ns)),
                None if self.ended => return None,
                None => self.read_packet(),
            }
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Seen> {
        self.reorder.pop()
    }

    pub(super) fn capture(&self) -> &Capture {
        &self.capture
    }

    pub(super) fn sides(&self) -> &Sides {
        &self.sides
    }

    pub(super) fn read(&self) -> &Read {
        &self.read
    }

    /// Packets that were out of order by more than can be sorted.
    pub(super) fn late(&self) -> u64 {
        self.reorder.late()
    }

    /// Why the capture was not read on.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        self.refusal
    }

    /// Whether packets were lost that should have been read.
    pub(super) fn has_lost_input(&self) -> bool {
        let loses = |trouble: &Trouble| trouble.kind.loses_input();
        self.refusal.is_some()
            || self.capture.troubles().iter().any(loses)
            || self.ended && !self.sides.missing(self.capture.interfaces()).is_empty()
    }

    /// Whether the capture was read to its end.
    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// When the capture begins, once some of it was read.
    pub(super) fn begin_ns(&self) -> Option<u64> {
        self.first_ns
    }

    /// When the capture ends, once it was read to there; an empty one does not say.
    pub(super) fn end_ns(&self) -> Option<u64> {
        (self.ended && self.read.packets > 0).then_some(self.last_ns)
    }

    /// Whether it is of nothing but the outside.
    pub(super) fn is_of_outside(&self) -> bool {
        matches!(self.sides, Sides::Whole(Side::Outside(_)))
    }

    /// Whether the outside was not seen to its end.
    pub(super) fn has_lost_outside(&self) -> bool {
        self.ended && self.sides.include_outside() && self.has_lost_input()
    }

    #[inline]
    fn read_packet(&mut self) {
        let is_pcapng = self.capture.is_pcapng();
        let Some(packet) = self.capture.next() else {
            self.ended = true;
            return;
        };
        if self.read.packets == 0 {
            self.refusal = self.sides.refusal(packet.description, is_pcapng);
            if self.refusal.is_some() {
                self.ended = true;
                return;
            }
        }
        self.read.packets += 1;
        // What is added to a time must not overflow; the year 2262 is far enough.
        let time_ns = packet.time_ns.min(i64::MAX as u64);
        self.first_ns.get_or_insert(time_ns);
        self.last_ns = self.last_ns.max(time_ns);
        let found = find(
            &packet,
            time_ns,
            &mut self.sides,
            &mut self.directions,
            &mut self.read,
        );
        self.reorder.advance(time_ns);
        match found {
            Found::Segment(mut seen) => {
                superpacket::split(&mut seen.segment, self.mtu);
                self.reorder.push(seen);
            }
            Found::UnknownLink => self.capture.note_link_type(),
            Found::Nothing => {}
        }
    }
}

#[inline]
fn find(
    packet: &Packet<'_>,
    time_ns: u64,
    sides: &mut Sides,
    directions: &mut Directions,
    read: &mut Read,
) -> Found {
    let payload = packet.payload();
    let index = payload.and_then(|payload| payload.interface_index);
    let Some(side) = sides.of(packet.interface, packet.description, index) else {
        read.elsewhere += 1;
        return Found::Nothing;
    };
    let Some(payload) = payload else {
        if let Link::Unknown(_) = packet.link {
            return Found::UnknownLink;
        }
        read.ignored[Cause::Truncated as usize] += 1;
        return Found::Nothing;
    };
    let is_outside = matches!(side, Side::Outside(_));
    if is_outside && packet::plainly_opens_nothing(payload.bytes, payload.link) {
        return Found::Nothing;
    }
    let segment = match packet::parse(payload.bytes, &frame(&payload)) {
        Ok(segment) => segment,
        Err(cause) => {
            read.ignored[cause as usize] += 1;
            return Found::Nothing;
        }
    };
    let sender = match side {
        // Nothing else matters there.
        Side::Outside(_) if !segment.opens() => return Found::Nothing,
        Side::Outside(_) => direction::outside(payload.direction),
        Side::Inside(_) => {
            let sender = directions.inside(payload.direction, packet.link, payload.bytes, &segment);
            if sender.is_none() {
                read.undirected += 1;
                return Found::Nothing;
            }
            sender
        }
    };
    Found::Segment(Seen {
        time_ns,
        side,
        sender,
        segment,
    })
}

/// Captures do not say what a super-packet was made of.
fn frame(payload: &Payload<'_>) -> Frame {
    Frame {
        link: payload.link,
        len: payload.len,
        vlan: Vlan::NONE,
        gso_size: 0,
    }
}
