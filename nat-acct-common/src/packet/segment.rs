//! One TCP segment as the accounting sees it. A GSO super-packet is one [`Segment`] that stands
//! for several on the wire.

use super::Vlan;
use crate::layout::Address;

/// TCP control bits (RFC 9293, section 3.1).
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// The acknowledgment number is meant.
    pub const ACK: u8 = 0x10;
}

/// Whether these are the control bits of a SYN without ACK.
#[inline(always)]
pub(super) const fn opens(flags: u8) -> bool {
    flags & (flag::SYN | flag::ACK | flag::RST) == flag::SYN
}

/// What the accounting needs of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The VLAN in which it was seen.
    pub vlan: Vlan,
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first byte (of the SYN, if it is set).
    pub seq: u32,
    /// Acknowledgment number; meaningless without [`flag::ACK`].
    pub ack: u32,
    /// Control bits, see [`flag`].
    pub flags: u8,
    /// TCP payload in bytes, of all wire segments together.
    pub payload: u32,
    /// Bytes of the IP datagrams on the wire, of all wire segments together.
    pub ip_bytes: u32,
    /// Wire segments.
    pub packets: u32,
}

/// Where a segment was sent from, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The VLAN in which it was seen.
    pub vlan: Vlan,
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
}

/// A segment of which each part is read when it is needed: to keep one meanwhile takes programs longer
/// than to read it again.
pub trait InParts {
    /// See [`Segment::flags`].
    fn flags(&self) -> u8;

    /// Where it was sent from, and where to.
    fn endpoints(&self) -> Endpoints;

    /// The same, which were read before: as they were kept, or read again, whatever takes less.
    #[inline(always)]
    fn endpoints_again(&self, kept: Endpoints) -> Endpoints {
        kept
    }

    /// All of it; `None` if it contradicts itself.
    fn whole(&self) -> Option<Segment>;
}

impl InParts for Segment {
    #[inline(always)]
    fn flags(&self) -> u8 {
        self.flags
    }

    #[inline(always)]
    fn endpoints(&self) -> Endpoints {
        Endpoints {
            vlan: self.vlan,
            source: self.source,
            destination: self.destination,
            source_port: self.source_port,
            destination_port: self.destination_port,
        }
    }

    #[inline(always)]
    fn whole(&self) -> Option<Segment> {
        Some(*self)
    }
}

impl Segment {
    /// Whether any of `flags` is set.
    #[inline(always)]
    pub const fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Whether this is a SYN without ACK: the opening of a connection.
    #[inline(always)]
    pub const fn opens(&self) -> bool {
        opens(self.flags)
    }

    /// Sequence number after the payload; SYN counts one (RFC 9293, section 3.4), FIN does not
    /// count here.
    #[inline(always)]
    pub const fn end(&self) -> u32 {
        let syn = if self.has(flag::SYN) { 1 } else { 0 };
        self.seq.wrapping_add(self.payload).wrapping_add(syn)
    }
}
