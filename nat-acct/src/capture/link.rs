//! Link types, and the headers that a capture may put before a packet. They are taken off here;
//! what is left starts as the parser of packets wants it.

use nat_acct_common::packet;

/// What a packet starts with, by the numbers that tcpdump.org gives (LINKTYPE_…).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// An Ethernet header.
    Ethernet,
    /// The IP header.
    Ip,
    /// The header of Linux's "any" device, which names no interface.
    LinuxSll,
    /// Its second version, with the interface's number.
    LinuxSll2,
    /// Something else.
    Unknown(u32),
}

impl Link {
    /// The link type with a number.
    pub const fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Ethernet,
            // LINKTYPE_RAW, the same as two systems write it, LINKTYPE_IPV4 and LINKTYPE_IPV6.
            101 | 12 | 14 | 228 | 229 => Self::Ip,
            113 => Self::LinuxSll,
            276 => Self::LinuxSll2,
            other => Self::Unknown(other),
        }
    }
}

/// Where a packet went, as the host that captured it saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came in.
    In,
    /// It went out.
    Out,
}

/// A packet without the header that the capture put before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// What the bytes start with.
    pub link: packet::Link,
    /// The bytes that were captured.
    pub bytes: &'a [u8],
    /// How many there were on the wire.
    pub len: u32,
    /// The kernel's number of the interface, if the header has it.
    pub interface_index: Option<u32>,
    /// Where it went, if the header or the capture says so.
    pub direction: Option<Direction>,
}

// Packet type, at the beginning of SLL and in the middle of SLL2.
const OUTGOING: u8 = 4;

const SLL_BYTES: usize = 16;
const SLL2_BYTES: usize = 20;
/// Ethernet addresses: what is before the protocol in an Ethernet header.
const ADDRESSES_BYTES: usize = 12;

// IEEE 802 numbers, as in the kernel's include/uapi/linux/if_ether.h.
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const TAGS: [[u8; 2]; 3] = [[0x81, 0x00], [0x88, 0xa8], [0x91, 0x00]];
const PPPOE_SESSION: [u8; 2] = [0x88, 0x64];
/// PPPoE header with the PPP protocol.
const PPPOE_BYTES: usize = 8;

impl<'a> super::Packet<'a> {
    /// Takes the capture's own header off. `None` for a packet without one that should have it,
    /// and for a link type that is not understood.
    #[inline]
    pub fn payload(&self) -> Option<Payload<'a>> {
        let whole = Payload {
            link: packet::Link::Ethernet,
            bytes: self.bytes,
            // A capture may say that a packet was shorter than what was captured of it.
            len: self.original_len.max(self.bytes.len() as u32),
            interface_index: None,
            direction: self.direction,
        };
        match self.link {
            Link::Ethernet => Some(whole),
            Link::Ip => Some(Payload {
                link: packet::Link::Ip,
                ..whole
            }),
            Link::LinuxSll => sll(whole),
            Link::LinuxSll2 => sll2(whole),
            Link::Unknown(_) => None,
        }
    }
}

/// The protocol ends the header, as it ends an Ethernet header: from its third byte on, SLL is
/// Ethernet with strange addresses.
fn sll(whole: Payload<'_>) -> Option<Payload<'_>> {
    let header: &[u8; SLL_BYTES] = whole.bytes.first_chunk()?;
    let skipped = SLL_BYTES - ADDRESSES_BYTES - 2;
    Some(Payload {
        direction: Some(direction(header[1])),
        ..without(whole, skipped)
    })
}

fn sll2(whole: Payload<'_>) -> Option<Payload<'_>> {
    let header: &[u8; SLL2_BYTES] = whole.bytes.first_chunk()?;
    let [p0, p1, _, _, i0, i1, i2, i3, _, _, packet_type, ..] = *header;
    let addressed = Payload {
        interface_index: Some(u32::from_be_bytes([i0, i1, i2, i3])),
        direction: Some(direction(packet_type)),
        ..whole
    };
    Some(sll2_payload(addressed, [p0, p1]))
}

/// The protocol is at the beginning, out of reach of what follows.
fn sll2_payload(whole: Payload<'_>, protocol: [u8; 2]) -> Payload<'_> {
    let ip_at = match protocol {
        IPV4 | IPV6 => SLL2_BYTES,
        PPPOE_SESSION => SLL2_BYTES + PPPOE_BYTES,
        // A tag ends with the protocol that follows, as an Ethernet header does.
        tag if TAGS.contains(&tag) => return without(whole, SLL2_BYTES + 2 - ADDRESSES_BYTES),
        _ => whole.bytes.len(),
    };
    Payload {
        link: packet::Link::Ip,
        ..without(whole, ip_at)
    }
}

fn without(whole: Payload<'_>, skipped: usize) -> Payload<'_> {
    Payload {
        bytes: whole.bytes.get(skipped..).unwrap_or_default(),
        len: whole.len.saturating_sub(skipped as u32),
        ..whole
    }
}

/// All but what this host sent came in: for it, for all, for a group, or for others.
fn direction(packet_type: u8) -> Direction {
    if packet_type == OUTGOING {
        Direction::Out
    } else {
        Direction::In
    }
}
