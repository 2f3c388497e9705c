//! An IP address of either family in 16 bytes.

use core::net::{IpAddr, Ipv6Addr};

/// An IPv6 address, or an IPv4 address in its IPv4-mapped form (RFC 4291, section 2.5.5.2), in
/// network byte order. Two words, because the kernel programs compare and hash words, of IPv4 half of
/// one.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address([u64; 2]);

const _: () = assert!(size_of::<Address>() == 16);

/// What comes before an IPv4 address in the second word, as it is in memory.
const MAPPED: [u8; 4] = [0, 0, 0xff, 0xff];

impl Address {
    /// The address of an IPv4 header.
    #[inline(always)]
    pub const fn from_v4(bytes: [u8; 4]) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (MAPPED, bytes);
        Self([0, u64::from_ne_bytes([a, b, c, d, e, f, g, h])])
    }

    /// The bytes of an IPv4 address, as a number of this machine; `None` for one of IPv6.
    #[inline(always)]
    pub(crate) const fn v4_bits(self) -> Option<u32> {
        let [high, low] = self.0;
        let [prefix, bits] = halves(low);
        if high == 0 && prefix == u32::from_ne_bytes(MAPPED) {
            Some(bits)
        } else {
            None
        }
    }

    /// The address of an IPv6 header.
    #[inline(always)]
    pub const fn from_v6(bytes: [u8; 16]) -> Self {
        let ([high, low], _) = bytes.as_chunks() else {
            unreachable!();
        };
        Self([u64::from_ne_bytes(*high), u64::from_ne_bytes(*low)])
    }

    pub(crate) const fn from_words(words: [u64; 2]) -> Self {
        Self(words)
    }

    pub(crate) const fn words(self) -> [u64; 2] {
        self.0
    }

    /// The address as user space writes it.
    pub fn ip(self) -> IpAddr {
        let [high, low] = self.0.map(u64::from_be);
        let mapped = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
        mapped.to_canonical()
    }
}

/// The halves of a word in the order in which they are in memory.
#[inline(always)]
const fn halves(word: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_ne_bytes();
    [
        u32::from_ne_bytes([a, b, c, d]),
        u32::from_ne_bytes([e, f, g, h]),
    ]
}

/// The address that a test writes as text.
#[cfg(test)]
pub(super) fn address(text: &str) -> Address {
    text.parse::<IpAddr>().expect("an address").into()
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::from_v4(ip.octets()),
            IpAddr::V6(ip) => Self::from_v6(ip.octets()),
        }
    }
}
