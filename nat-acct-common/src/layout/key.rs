//! The key of a connection as the inside sees it, and its hash.

use super::{Address, MAX_INTERFACES};
use crate::packet::{Endpoints, Vlan};

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

const _: () = assert!(MAX_INTERFACES <= 1 << (Zone::BITS - Vlan::BITS));

impl Zone {
    /// How many bits it may have, of which it has 28 now. Those above are [`FlowKey::V4`], and one that is
    /// free.
    const BITS: u32 = 30;

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

/// The multiplier of the kernel's own hashes (include/linux/hash.h). It fits into an instruction.
const GOLDEN_RATIO_32: u64 = 0x61c8_8647;

impl FlowKey {
    /// Numbers of 64 bits that it consists of.
    pub const WORDS: usize = 5;
    /// In the last word: both addresses are of IPv4.
    const V4: u64 = 1 << Zone::BITS;

    /// The key of a segment that `sender` sent, seen on the inside interface with this number.
    #[inline(always)]
    pub const fn of(endpoints: &Endpoints, sender: Sender, interface: u32) -> Self {
        let zone = Zone::new(interface, endpoints.vlan);
        // Word by word, or kernel programs copy them from memory to memory.
        let [a, b] = endpoints.source.words();
        let [c, d] = endpoints.destination.words();
        let source = Address::from_words([a, b]);
        let destination = Address::from_words([c, d]);
        match sender {
            Sender::Client => Self {
                client: source,
                remote: destination,
                client_port: endpoints.source_port,
                remote_port: endpoints.destination_port,
                zone,
            },
            Sender::Remote => Self {
                client: destination,
                remote: source,
                client_port: endpoints.destination_port,
                remote_port: endpoints.source_port,
                zone,
            },
        }
    }

    #[inline(always)]
    pub(crate) const fn words(&self) -> [u64; Self::WORDS] {
        let [a, b] = self.client.words();
        let [c, d] = self.remote.words();
        let ports = (self.client_port as u64) << 16 | self.remote_port as u64;
        let family = match self.v4_bits() {
            Some(_) => Self::V4,
            None => 0,
        };
        [a, b, c, d, ports << 32 | family | self.zone.0 as u64]
    }

    /// The addresses of client and remote, if both are of IPv4: with the last word they tell the key
    /// from all others.
    #[inline(always)]
    pub(crate) const fn v4_bits(&self) -> Option<[u32; 2]> {
        match (self.client.v4_bits(), self.remote.v4_bits()) {
            (Some(client), Some(remote)) => Some([client, remote]),
            _ => None,
        }
    }

    pub(crate) const fn from_words(words: [u64; Self::WORDS]) -> Self {
        let [a, b, c, d, last] = words;
        Self {
            client: Address::from_words([a, b]),
            remote: Address::from_words([c, d]),
            client_port: (last >> 48) as u16,
            remote_port: (last >> 32) as u16,
            zone: Zone((last & (Self::V4 - 1)) as u32),
        }
    }

    /// A 32-bit hash: the sum of pair-multiply-shift (Thorup, High Speed Hashing for Integers and
    /// Strings, arXiv:1504.06804) for a secret, of which `seed` tells the part for a word. Its upper
    /// half is universal, but keys in a row may fall into few sets; so a multiplication spreads it. Of
    /// IPv4 there are two products instead of five, as both addresses are one word; keys of different
    /// families differ in the last one.
    #[inline(always)]
    pub fn hash(&self, seed: impl Fn(usize) -> [u64; 2]) -> u32 {
        let product = |number, high: u64, low: u64| {
            let [first, second] = seed(number);
            first
                .wrapping_add(high)
                .wrapping_mul(second.wrapping_add(low))
        };
        let of_word = |number, word| product(number, word >> 32, word & u64::from(u32::MAX));
        let [a, b, c, d, last] = self.words();
        let addresses = match self.v4_bits() {
            Some([client, remote]) => product(0, client.into(), remote.into()),
            None => of_word(0, a)
                .wrapping_add(of_word(1, b))
                .wrapping_add(of_word(2, c))
                .wrapping_add(of_word(3, d)),
        };
        let sum = addresses.wrapping_add(of_word(4, last));
        ((sum ^ sum >> 32).wrapping_mul(GOLDEN_RATIO_32) >> 32) as u32
    }
}

/// The secret of the hash, drawn anew whenever the programs are loaded: two numbers for each word of a
/// key.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub [[u64; 2]; FlowKey::WORDS]);

#[cfg(test)]
mod tests {
    use super::{super::address::address, *};

    /// Up to ABI 8 the words did not say it.
    #[test]
    fn a_key_is_read_without_its_family_too() {
        let key = FlowKey {
            client: address("192.0.2.1"),
            remote: address("198.51.100.2"),
            client_port: 40_000,
            remote_port: 22,
            zone: Zone::new(15, Vlan::NONE.tagged(7)),
        };
        let mut words = key.words();
        assert_eq!(FlowKey::from_words(words), key);
        words[4] ^= FlowKey::V4;
        assert_eq!(FlowKey::from_words(words), key);
    }

    #[test]
    fn each_part_of_a_key_changes_its_hash() {
        let seed = |word: usize| [3, 5].map(|odd: u64| odd.pow(27).rotate_left(word as u32));
        let hash = |client: &str, remote: &str, client_port, remote_port, interface| {
            let key = FlowKey {
                client: address(client),
                remote: address(remote),
                client_port,
                remote_port,
                zone: Zone::new(interface, Vlan::NONE),
            };
            key.hash(seed)
        };
        let pairs = [
            ("192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::2"),
            ("2001:db8::1", "2001:db9::1"),
        ];
        for (a, b) in pairs {
            let one = hash(a, a, 1, 1, 0);
            assert_ne!(hash(b, a, 1, 1, 0), one);
            assert_ne!(hash(a, b, 1, 1, 0), one);
            assert_ne!(hash(a, a, 2, 1, 0), one);
            assert_ne!(hash(a, a, 1, 2, 0), one);
            assert_ne!(hash(a, a, 1, 1, 1), one);
        }
    }
}
