//! What the programs put into the ring buffer. An event is a hint that makes user space prompt:
//! the state it speaks of is in the maps, where a sweep finds it if the event is lost. Its length says
//! what it is, and no more is written than somebody reads: programs wait for this memory.

use super::OutsideKey;

/// Something has happened that user space should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The connection in this slot was opened, superseded, or has seen the first FIN of a direction or
    /// an RST, on the inside.
    Connection(ConnectionEvent),
    /// A SYN on the outside.
    Outside(OutsideEvent),
}

impl Event {
    /// The slot of the connection that it speaks of; none on the outside.
    pub const fn slot(&self) -> Option<u32> {
        match self {
            Self::Connection(event) => Some(event.slot),
            Self::Outside(_) => None,
        }
    }
}

/// An element of the ring buffer: see [`Event::Connection`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// The connection's slot.
    pub slot: u32,
}

/// An element of the ring buffer: see [`Event::Outside`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideEvent {
    /// Where the sighting is in the map of outside SYNs.
    pub key: OutsideKey,
    /// When it was seen now, in nanoseconds of the monotonic clock.
    pub at_ns: u64,
}

const _: () = assert!(size_of::<ConnectionEvent>() == 4 && size_of::<OutsideEvent>() == 56);
