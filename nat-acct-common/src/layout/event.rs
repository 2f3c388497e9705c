//! What the programs put into the ring buffer. An event is a hint that makes user space prompt:
//! the state it speaks of is in the maps, where a sweep finds it if the event is lost.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EventKind {
    /// A SYN opened a connection on the inside; `slot` is the connection's.
    Opened = 1,
    /// The first FIN of a direction, on the inside.
    Fin = 2,
    /// An RST, on the inside.
    Rst = 3,
    /// A new connection took over the 4-tuple; `slot` is the old one's.
    Superseded = 4,
    /// A SYN on the outside; the sighting is in the map of outside SYNs under `outside`.
    OutsideSyn = 5,
}

/// An element of the ring buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// An [`EventKind`] as number: memory that was written elsewhere may hold any.
    pub kind: u32,
    /// The connection's slot; 0 for [`EventKind::OutsideSyn`].
    pub slot: u32,
    /// When, in nanoseconds of the monotonic clock.
    pub at_ns: u64,
    /// Of [`EventKind::OutsideSyn`]; zeros otherwise.
    pub outside: super::OutsideKey,
}

const _: () = assert!(size_of::<Event>() == 64);

impl Event {
    /// What happened, or `None` for a number that this build does not know.
    pub const fn kind(&self) -> Option<EventKind> {
        Some(match self.kind {
            1 => EventKind::Opened,
            2 => EventKind::Fin,
            3 => EventKind::Rst,
            4 => EventKind::Superseded,
            5 => EventKind::OutsideSyn,
            _ => return None,
        })
    }
}
