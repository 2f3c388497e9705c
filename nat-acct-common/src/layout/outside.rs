//! A SYN as it was seen on the outside, after translation.

use super::{Address, Sender, manifest::described};
use crate::packet::Segment;

/// What identifies a SYN on the outside.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutsideKey {
    /// Address of the endpoint beyond the gateway.
    pub remote: Address,
    /// What the remote sees instead of the client.
    pub translated: Address,
    /// Port of the remote.
    pub remote_port: u16,
    /// Port that goes with `translated`.
    pub translated_port: u16,
    /// Initial sequence number.
    pub isn: u32,
    /// Number of the outside interface, in the order of the command line.
    pub interface: u16,
    /// Who sent the SYN, a [`Sender`] as number.
    pub opener: u8,
    /// Zero, as the next: of bytes in a row the kernel programs would be made to call a function.
    pub padding: u8,
    /// Zero.
    pub more_padding: u32,
}

const _: () = assert!(size_of::<OutsideKey>() == 48);

described! {
    OutsideKey as "outside_key":
    remote, translated, remote_port, translated_port, isn, interface, opener
}

impl OutsideKey {
    /// The key of the SYN `segment` that `opener` sent, seen on the outside interface with this
    /// number.
    #[inline(always)]
    pub const fn of(segment: &Segment, opener: Sender, interface: u16) -> Self {
        let (remote, remote_port, translated, translated_port) = match opener {
            Sender::Client => (
                segment.destination,
                segment.destination_port,
                segment.source,
                segment.source_port,
            ),
            Sender::Remote => (
                segment.source,
                segment.source_port,
                segment.destination,
                segment.destination_port,
            ),
        };
        Self {
            remote,
            translated,
            remote_port,
            translated_port,
            isn: segment.seq,
            interface,
            opener: opener as u8,
            padding: 0,
            more_padding: 0,
        }
    }
}

/// When a SYN was seen on the outside, in nanoseconds of the monotonic clock.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutsideSyn {
    /// The first time.
    pub first_ns: u64,
    /// The last time; later than the first for a retransmission.
    pub last_ns: u64,
}

impl OutsideSyn {
    /// One that was seen once.
    #[inline(always)]
    pub const fn at(at_ns: u64) -> Self {
        Self {
            first_ns: at_ns,
            last_ns: at_ns,
        }
    }
}

described! { OutsideSyn as "outside_syn": first_ns, last_ns }
