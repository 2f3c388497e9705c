//! Why a program returned early or could not do its work: each cause has a counter.

use crate::memory::Shared;

/// A cause; its number is the index of its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Cause {
    /// Neither IPv4 nor IPv6: ARP, PPPoE discovery and others.
    NotIp,
    /// IP, but another protocol than TCP.
    NotTcp,
    /// A fragment behind the first: it has no TCP header.
    LaterFragment,
    /// The packet ends inside a header.
    Truncated,
    /// A length in a header contradicts the packet.
    BadHeader,
    /// More IPv6 extension headers than are followed.
    ExtensionChain,
    /// A segment on the inside of a connection whose opening was not seen.
    UnknownConnection,
    /// A segment that cannot belong to the connection with its 4-tuple, by its sequence and
    /// acknowledgment numbers.
    Stray,
    /// A segment after the first FIN, where that ends the connection (`--close-on first-fin`).
    AfterFirstFin,
    /// A connection that was not taken on, because all slots are in use.
    TableFull,
    /// A connection that was not taken on, because too many openings wait for an answer.
    HalfOpenFull,
    /// A connection that was not taken on, because its set stayed locked or no spare place is
    /// free.
    NoPlace,
    /// A connection that found its set full and has a spare place: exact, slower.
    Overflowed,
    /// An event that found the ring buffer full; a sweep finds what it spoke of.
    EventLost,
    /// A SYN on the outside that found the map of outside SYNs full.
    OutsideFull,
    /// An element of a map was missing: never, unless the maps and the programs do not fit.
    Inconsistent,
    /// The packet came by an interface that is not configured.
    UnknownInterface,
    /// The frame was for another host, and nothing above the interface takes such frames.
    OtherHost,
    /// The packet was counted before it was redirected to an ifb device, from where it came back.
    Redirected,
}

impl Cause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Self; 19] = [
        Self::NotIp,
        Self::NotTcp,
        Self::LaterFragment,
        Self::Truncated,
        Self::BadHeader,
        Self::ExtensionChain,
        Self::UnknownConnection,
        Self::Stray,
        Self::AfterFirstFin,
        Self::TableFull,
        Self::HalfOpenFull,
        Self::NoPlace,
        Self::Overflowed,
        Self::EventLost,
        Self::OutsideFull,
        Self::Inconsistent,
        Self::UnknownInterface,
        Self::OtherHost,
        Self::Redirected,
    ];

    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not_ip",
            Self::NotTcp => "not_tcp",
            Self::LaterFragment => "later_fragment",
            Self::Truncated => "truncated",
            Self::BadHeader => "bad_header",
            Self::ExtensionChain => "extension_chain",
            Self::UnknownConnection => "unknown_connection",
            Self::Stray => "stray",
            Self::AfterFirstFin => "after_first_fin",
            Self::TableFull => "table_full",
            Self::HalfOpenFull => "half_open_full",
            Self::NoPlace => "no_place",
            Self::Overflowed => "overflowed",
            Self::EventLost => "event_lost",
            Self::OutsideFull => "outside_full",
            Self::Inconsistent => "inconsistent",
            Self::UnknownInterface => "unknown_interface",
            Self::OtherHost => "other_host",
            Self::Redirected => "redirected",
        }
    }
}

/// How often a cause occurred, on one processor.
#[repr(C)]
#[derive(Default)]
pub struct Ignored {
    packets: Shared<u64>,
    payload_bytes: Shared<u64>,
}

impl Ignored {
    /// Counts wire packets with `payload_bytes` of TCP payload, as far as that is known. Only the
    /// program on this element's own processor writes it.
    #[inline(always)]
    pub fn add(&self, packets: u32, payload_bytes: u32) {
        self.packets.set(self.packets.get() + u64::from(packets));
        self.payload_bytes
            .set(self.payload_bytes.get() + u64::from(payload_bytes));
    }

    /// What was counted so far.
    pub fn total(&self) -> IgnoredTotal {
        IgnoredTotal {
            packets: self.packets.get(),
            payload_bytes: self.payload_bytes.get(),
        }
    }
}

/// The plain form of [`Ignored`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IgnoredTotal {
    /// Packets; those of a super-packet that was understood are counted as on the wire.
    pub packets: u64,
    /// Their TCP payload in bytes, as far as it was known.
    pub payload_bytes: u64,
}

const _: () = assert!(size_of::<Ignored>() == size_of::<IgnoredTotal>());
