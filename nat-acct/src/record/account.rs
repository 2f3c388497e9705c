//! What a record tells of a connection, in the engine's words: times of the source's clock, interfaces
//! by number.

use std::{net::IpAddr, ops::AddAssign};

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The address.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
}

/// Who opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The client, on the inside.
    Outbound,
    /// The remote, through a port forward (DNAT).
    Inbound,
}

/// How far a connection is when a record is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its translated address has become known.
    Started,
    /// It goes on.
    Open,
    /// It has ended.
    Ended(End),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Both sides sent FIN (or one did, with `--close-on first-fin`).
    Fin,
    /// RST.
    Rst,
    /// Established, then silent for too long.
    Idle,
    /// The opening was not answered, or the answer was not acknowledged.
    Unanswered,
    /// Another connection with the same 4-tuple was opened.
    Reused,
    /// One side sent FIN, then both were silent.
    Closing,
    /// The agent was stopped.
    AgentStop,
    /// The capture ended.
    CaptureEnd,
}

/// How the translated address was found, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Match {
    /// By the initial sequence number of the SYN, inside and outside.
    Sequence,
    /// Several connections could have been meant, or nothing proves which, or the outside was not wholly
    /// seen: no translated address.
    Ambiguous,
    /// No SYN left towards the remote, and no answer came: in general, the gateway dropped it.
    Blocked,
    /// The other endpoint has an address of the gateway itself.
    Local,
    /// No SYN was seen on the outside, yet there was an answer: the gateway answers in place of
    /// the remote (REDIRECT, transparent proxy, SYNPROXY without the client's acknowledgment), or
    /// translates the remote's address.
    Intercepted,
    /// By the initial sequence numbers of both ends, on the inside alone: the SYN left by an inside
    /// interface, because both ends are clients. The other one has a record of its own view.
    Hairpin,
}

/// An interface of the gateway, by its number in the order of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
    /// One before translation.
    Inside(usize),
    /// One after translation.
    Outside(usize),
}

/// What the remote sees instead of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Translated {
    /// The translated address and port.
    pub endpoint: Endpoint,
    /// Where it was seen: an outside interface, or for [`Match::Hairpin`] an inside one.
    pub interface: Interface,
}

/// What one side sent, as seen on the inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// TCP payload in bytes, retransmissions included.
    pub payload_bytes: u64,
    /// How many of the payload bytes were sent before.
    pub retransmitted_bytes: u64,
    /// Bytes of the IP datagrams.
    pub ip_bytes: u64,
    /// IP datagrams.
    pub packets: u64,
}

/// What both sides sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// From client to remote.
    pub sent: Sums,
    /// From remote to client.
    pub received: Sums,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.payload_bytes += other.payload_bytes;
        self.retransmitted_bytes += other.retransmitted_bytes;
        self.ip_bytes += other.ip_bytes;
        self.packets += other.packets;
    }
}

/// What a record tells of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Where the source keeps the connection until its record is written.
    pub slot: u32,
    /// Identifies the connection for good: the same if it is found again after a crash.
    pub identity: u64,
    /// When the opening SYN was seen, in nanoseconds of the source's clock.
    pub start_ns: u64,
    /// When the last segment was seen, in nanoseconds of the source's clock.
    pub end_ns: u64,
    /// How far it is.
    pub stage: Stage,
    /// Who opened it.
    pub direction: Direction,
    /// The inside endpoint.
    pub client: Endpoint,
    /// The endpoint beyond the gateway.
    pub remote: Endpoint,
    /// What the remote sees instead of the client, if [`Match::Sequence`] or [`Match::Hairpin`]
    /// says that it is known.
    pub translated: Option<Translated>,
    /// How `translated` was found, or why not.
    pub matched: Match,
    /// What was counted since its start: of one that has just started, nothing.
    pub totals: Totals,
    /// Whether segments were missed, so that `totals` are too low.
    pub partial: bool,
    /// Number of the inside interface, in the order of the command line.
    pub inside: usize,
    /// Identifiers of the VLANs on the inside interface, the outer one first; 0 for none.
    pub vlans: [u16; 2],
}

impl Account {
    /// Why it ended, if it did.
    pub fn end(&self) -> Option<End> {
        match self.stage {
            Stage::Started | Stage::Open => None,
            Stage::Ended(end) => Some(end),
        }
    }

    /// Whether another record counts the same bytes: of the two records of a hairpinned connection,
    /// it is that of the side that was called.
    pub fn repeats_another(&self) -> bool {
        self.matched == Match::Hairpin && self.direction == Direction::Inbound
    }
}
