//! The key of a connection as the inside sees it, and its hash.

use super::{Address, MAX_INTERFACES};
use crate::packet::{Segment, Vlan};

/// Which end of the connection sent a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Sender {
    /// The inside endpoint.
    Client = 0,
    /// The endpoint beyond the gateway.
    Remote = 1,
}

impl Sender {
    /// The other end.
    #[inline(always)]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Remote,
            Self::Remote => Self::Client,
        }
    }

    /// The inverse of `sender as u8`; anything but 0 is the remote.
    #[inline(always)]
    pub const fn from_u8(value: u8) -> Self {
        if value == Self::Client as u8 {
            Self::Client
        } else {
            Self::Remote
        }
    }
}

/// A network on the inside: two of them may use the same addresses.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Zone(u32);

const _: () = assert!(MAX_INTERFACES <= 1 << (u32::BITS - Vlan::BITS));

impl Zone {
    /// A VLAN of the inside interface with this number, in the order of the command line.
    #[inline(always)]
    pub const fn new(interface: u32, vlan: Vlan) -> Self {
        Self(interface << Vlan::BITS | vlan.to_bits())
    }

    /// Number of the inside interface.
    pub const fn interface(self) -> usize {
        (self.0 >> Vlan::BITS) as usize
    }

    /// The VLAN.
    pub const fn vlan(self) -> Vlan {
        Vlan::from_bits(self.0 & ((1 << Vlan::BITS) - 1))
    }
}

/// The 4-tuple of a connection on the inside, before translation, and the network in which it was
/// seen.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    /// Address of the inside endpoint.
    pub client: Address,
    /// Address of the endpoint beyond the gateway.
    pub remote: Address,
    /// Port of the client.
    pub client_port: u16,
    /// Port of the remote.
    pub remote_port: u16,
    /// The network.
    pub zone: Zone,
}

const _: () = assert!(size_of::<FlowKey>() == FlowKey::WORDS * 8);

impl FlowKey {
    /// Numbers of 64 bits that it consists of.
    pub const WORDS: usize = 5;

    /// The key of a segment that `sender` sent, seen on the inside interface with this number.
    #[inline(always)]
    pub const fn of(segment: &Segment, sender: Sender, interface: u32) -> Self {
        let zone = Zone::new(interface, segment.vlan);
        // Word by word, or kernel programs copy them from memory to memory.
        let [a, b] = segment.source.words();
        let [c, d] = segment.destination.words();
        let source = Address::from_words([a, b]);
        let destination = Address::from_words([c, d]);
        match sender {
            Sender::Client => Self {
                client: source,
                remote: destination,
                client_port: segment.source_port,
                remote_port: segment.destination_port,
                zone,
            },
            Sender::Remote => Self {
                client: destination,
                remote: source,
                client_port: segment.destination_port,
                remote_port: segment.source_port,
                zone,
            },
        }
    }

    #[inline(always)]
    pub(crate) const fn words(&self) -> [u64; Self::WORDS] {
        let [a, b] = self.client.words();
        let [c, d] = self.remote.words();
        let ports = (self.client_port as u64) << 16 | self.remote_port as u64;
        [a, b, c, d, ports << 32 | self.zone.0 as u64]
    }

    pub(crate) const fn from_words(words: [u64; Self::WORDS]) -> Self {
        let [a, b, c, d, last] = words;
        Self {
            client: Address::from_words([a, b]),
            remote: Address::from_words([c, d]),
            client_port: (last >> 48) as u16,
            remote_port: (last >> 32) as u16,
            zone: Zone(last as u32),
        }
    }

    /// A 32-bit hash: the sum of pair-multiply-shift (Thorup, High Speed Hashing for Integers and
    /// Strings, arXiv:1504.06804) for a secret, of which `seed` tells the part for a word. Its upper
    /// half is universal, but keys in a row may fall into few sets; so a multiplication spreads it. The
    /// upper half of an address adds nothing if it is 0, which saves two of five products for IPv4.
    #[inline(always)]
    pub fn hash(&self, seed: impl Fn(usize) -> [u64; 2]) -> u32 {
        let product = |number, word: u64| {
            let [first, second] = seed(number);
            let (high, low) = (word >> 32, word & u64::from(u32::MAX));
            first
                .wrapping_add(high)
                .wrapping_mul(second.wrapping_add(low))
        };
        let upper_half = |number, word| match word {
            0 => 0,
            _ => product(number, word),
        };
        let [a, b, c, d, e] = self.words();
        let sum = product(1, b)
            .wrapping_add(product(3, d))
            .wrapping_add(product(4, e))
            .wrapping_add(upper_half(0, a))
            .wrapping_add(upper_half(2, c));
        // The multiplier is 2^64 divided by the golden ratio (Knuth, TAOCP vol. 3, section 6.4).
        ((sum ^ sum >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
    }
}

/// The secret of the hash, drawn anew whenever the programs are loaded: two numbers for each word of a
/// key.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub [[u64; 2]; FlowKey::WORDS]);
