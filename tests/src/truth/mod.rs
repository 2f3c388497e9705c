//! What the endpoints of a connection say about it, and whether a record says
//! the same.

mod again;
mod capture;
mod compare;
pub mod conntrack;
mod counter;
mod find;
pub mod nft;
mod numbered;
mod record;
mod same;
mod wire;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub use again::without_duplicates;
pub use capture::{Capture, Seen};
pub use compare::{Cell, Row, assert_equal, compare};
pub use counter::Counter;
pub use find::record_of;
pub use numbered::{assert_numbered, assert_numbered_from};
pub use record::{Record, Volume};
pub use same::assert_same;
pub use wire::{Wire, assert_carried};

/// One connection, as its endpoints know it.
#[derive(Clone, Debug)]
pub struct Truth {
    /// What it is, for people.
    pub label: String,
    /// The inside host.
    pub client: IpAddr,
    /// Its port, where the program tells.
    pub client_port: Option<u16>,
    /// The endpoint beyond the gateway.
    pub remote: SocketAddr,
    /// What the remote sees instead of the client.
    pub translated: IpAddr,
    /// The port that the remote sees, where its program tells.
    pub translated_port: Option<u16>,
    /// Payload bytes from client to remote.
    pub sent: Count,
    /// Payload bytes from remote to client.
    pub received: Count,
    /// The reasons that a record may give for the end.
    pub reasons: &'static [&'static str],
}

/// A number of bytes, as exact as an endpoint knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Both ends agree.
    Exact(u64),
    /// The one end read so many, the other wrote so many; an abort can lose
    /// what is between.
    Between(u64, u64),
    /// Nobody knows how many it was when an agent gave the connection up; and segments that came in
    /// another order may have been on their way.
    UpTo(u64),
    /// The program does not tell.
    Unknown,
}

impl Count {
    /// What is known when one end wrote, and the other read, so many bytes.
    #[must_use]
    pub fn of(written: u64, read: u64) -> Self {
        if written == read {
            Self::Exact(read)
        } else {
            Self::Between(read, written)
        }
    }

    /// Whether a count that is marked as too low agrees with what is known.
    #[must_use]
    pub fn may_be_partial(self) -> bool {
        matches!(self, Self::UpTo(_))
    }

    /// Whether a count agrees with what is known.
    #[must_use]
    pub fn agrees(self, bytes: u64) -> bool {
        match self {
            Self::Exact(known) => bytes == known,
            Self::Between(least, most) => (least..=most).contains(&bytes),
            Self::UpTo(most) => bytes <= most,
            Self::Unknown => true,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(bytes) => write!(f, "{bytes}"),
            Self::Between(least, most) => write!(f, "{least}..{most}"),
            Self::UpTo(most) => write!(f, "..{most}"),
            Self::Unknown => f.write_str("any"),
        }
    }
}
