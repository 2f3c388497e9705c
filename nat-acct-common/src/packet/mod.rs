//! From the bytes of a frame to a [`Segment`]: link layer, IP, TCP, each in its file. The parser
//! reads through [`Bytes`] only, so that one implementation serves the kernel's packet memory,
//! captures and fuzzers. It decides nothing about connections.

mod ip;
mod link;
mod plain;
mod segment;
mod tcp;
mod vlan;

pub use link::Link;
pub(crate) use plain::Headers;
pub use plain::{plain_v4, plain_v6, plainly_opens_nothing};
pub use segment::{Endpoints, InParts, Segment, flag};
pub use vlan::Vlan;

use crate::layout::{Address, Cause};
pub use crate::memory::{Found, Header};

/// Access to the bytes of one packet: the only way in which the parser reads.
pub trait Bytes {
    /// The header at `offset` (from the start of the frame), or `None` where the packet ends
    /// before the header does.
    fn find<T: Header>(&self, offset: u32) -> Option<Found<'_, T>>;

    /// The same, read at once.
    #[inline(always)]
    fn load<T: Header>(&self, offset: u32) -> Option<T> {
        self.find(offset).map(Found::read)
    }
}

/// What is known of a frame besides its bytes and what it starts with.
pub trait Metadata {
    /// See [`Frame::len`].
    fn frame_len(&self) -> u32;
    /// See [`Frame::vlan`].
    fn vlan(&self) -> Vlan;
    /// See [`Frame::gso_size`].
    fn gso_size(&self) -> u32;
}

/// What is known of a frame besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// What the frame starts with.
    pub link: Link,
    /// Length of the whole frame in bytes; for a GSO super-packet, of the super-packet.
    pub len: u32,
    /// The VLAN by a tag that is not in the bytes: on receipt, the kernel takes the outer one off.
    pub vlan: Vlan,
    /// Payload bytes of each wire segment of a GSO super-packet; 0 for an ordinary frame.
    pub gso_size: u32,
}

impl Metadata for Frame {
    #[inline(always)]
    fn frame_len(&self) -> u32 {
        self.len
    }

    #[inline(always)]
    fn vlan(&self) -> Vlan {
        self.vlan
    }

    #[inline(always)]
    fn gso_size(&self) -> u32 {
        self.gso_size
    }
}

/// Where the TCP header is, and what the IP header said.
struct Transport {
    source: Address,
    destination: Address,
    /// Bytes of the IP headers that each wire segment carries.
    ip_header_len: u32,
    /// Offset of the TCP header from the start of the frame.
    offset: u32,
    /// End of the IP datagram, from the start of the frame.
    end: u32,
}

/// Parses one frame down to its TCP header.
///
/// # Errors
///
/// The [`Cause`] for which the frame is no TCP segment that can be understood.
#[inline(always)]
pub fn parse<B: Bytes + ?Sized>(bytes: &B, frame: &Frame) -> Result<Segment, Cause> {
    if frame.link == Link::Ethernet {
        let v4 = plain_v4(bytes, frame).and_then(|plain| plain.whole());
        let v6 = || plain_v6(bytes, frame)?.whole();
        if let Some(segment) = v4.or_else(v6) {
            return Ok(segment);
        }
    }
    parse_any(bytes, frame)
}

/// What [`parse`] says of any frame; it is faster with plain ones.
///
/// # Errors
///
/// As [`parse`].
#[inline(never)]
pub fn parse_any<B: Bytes + ?Sized>(bytes: &B, frame: &Frame) -> Result<Segment, Cause> {
    let link::Network {
        protocol,
        offset,
        vlan,
    } = link::network(bytes, frame)?;
    let transport = match protocol {
        link::Protocol::Ipv4 => ip::v4(bytes, offset, frame.len)?,
        link::Protocol::Ipv6 => ip::v6(bytes, offset, frame.len)?,
    };
    tcp::read(bytes, &transport, vlan, frame.gso_size)
}

/// The header at `offset`, or the cause to give up.
#[inline(always)]
fn header<T: Header, B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Result<T, Cause> {
    bytes.load(offset).ok_or(Cause::Truncated)
}

#[cfg(test)]
mod tests;
