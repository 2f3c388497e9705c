//! The kinds of packets, in the order in which a connection has them.

use anyhow::Result;
use nat_acct_common::layout::Sender;
use nat_acct_tests::Family;

use crate::frames::frame;

/// Where a packet is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Inside,
    Outside,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Syn,
    SynAck,
    Ack,
    Data,
    Fin,
    /// Acknowledges a FIN.
    LastAck,
}

/// A packet of any connection, at one hook.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// For the page.
    pub name: &'static str,
    pub side: Side,
    pub sender: Sender,
    pub kind: Kind,
}

/// Of the data that is sent.
pub const PAYLOAD_BYTES: u32 = 100;

/// What opens a connection.
pub const OPENING: [Packet; 5] = [
    inside("SYN", Sender::Client, Kind::Syn),
    outside("SYN, outside", Sender::Client, Kind::Syn),
    outside("SYN-ACK, outside", Sender::Remote, Kind::SynAck),
    inside("SYN-ACK", Sender::Remote, Kind::SynAck),
    inside("first ACK", Sender::Client, Kind::Ack),
];

/// What open connections have.
pub const OPEN: [Packet; 4] = [
    inside("ACK of the client", Sender::Client, Kind::Ack),
    inside("data of the client", Sender::Client, Kind::Data),
    inside("data of the remote", Sender::Remote, Kind::Data),
    outside("data, outside", Sender::Remote, Kind::Data),
];

/// What closes a connection.
pub const CLOSING: [Packet; 3] = [
    inside("FIN of the client", Sender::Client, Kind::Fin),
    inside("FIN of the remote", Sender::Remote, Kind::Fin),
    inside("last ACK", Sender::Client, Kind::LastAck),
];

const fn inside(name: &'static str, sender: Sender, kind: Kind) -> Packet {
    Packet {
        name,
        side: Side::Inside,
        sender,
        kind,
    }
}

const fn outside(name: &'static str, sender: Sender, kind: Kind) -> Packet {
    Packet {
        side: Side::Outside,
        ..inside(name, sender, kind)
    }
}

impl Packet {
    /// The frame; its sequence number is drawn.
    pub fn frame(&self, family: Family, ack: u32) -> Result<Vec<u8>> {
        let payload = self.payload_bytes() as usize;
        frame(family, self.sender, 0, payload, |segment| match self.kind {
            Kind::Syn => segment.syn(),
            Kind::SynAck => segment.syn().ack(ack),
            Kind::Ack | Kind::Data | Kind::LastAck => segment.ack(ack),
            Kind::Fin => segment.fin().ack(ack),
        })
    }

    pub const fn payload_bytes(&self) -> u32 {
        match self.kind {
            Kind::Data => PAYLOAD_BYTES,
            Kind::Syn | Kind::SynAck | Kind::Ack | Kind::Fin | Kind::LastAck => 0,
        }
    }

    /// The program that sees it.
    pub const fn program(&self) -> &'static str {
        match (self.side, self.sender) {
            (Side::Inside, Sender::Client) => "inside_ingress",
            (Side::Inside, Sender::Remote) => "inside_egress",
            (Side::Outside, Sender::Remote) => "outside_ingress",
            (Side::Outside, Sender::Client) => "outside_egress",
        }
    }

    /// The program that draws.
    pub const fn draws(&self, family: Family) -> &'static str {
        match (family, self.sender) {
            (Family::V4, Sender::Client) => "draw_client",
            (Family::V4, Sender::Remote) => "draw_remote",
            (Family::V6, Sender::Client) => "draw_client6",
            (Family::V6, Sender::Remote) => "draw_remote6",
        }
    }

    /// Whether the textbook knows how to count it.
    pub fn is_in_textbook(&self, family: Family) -> bool {
        family == Family::V4 && self.side == Side::Inside && self.sender == Sender::Client
    }
}
