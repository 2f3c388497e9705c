//! IPv6 extension headers.

use etherparse::{IpNumber, ip_number};

/// An IPv6 extension header: its kind, and what is in it behind its first two bytes.
#[derive(Clone, Debug)]
pub struct Extension(pub IpNumber, pub Vec<u8>);

/// Each header names the kind of the next.
pub fn chain(extensions: &[Extension]) -> Vec<u8> {
    let kinds = extensions.iter().map(|extension| extension.0);
    let next = kinds.skip(1).chain([ip_number::TCP]);
    let header = |(extension, next): (&Extension, IpNumber)| {
        let len = extension.1.len() + 2;
        [&[next.0, (len / 8 - 1) as u8], &extension.1[..]].concat()
    };
    extensions.iter().zip(next).flat_map(header).collect()
}

impl Extension {
    /// Padding for the next hop (RFC 8200, section 4.3).
    pub fn hop_by_hop() -> Self {
        Self(ip_number::IPV6_HEADER_HOP_BY_HOP, padding(6))
    }

    /// Padding for the destination, so that the header has `len` bytes.
    pub fn destination(len: usize) -> Self {
        Self(ip_number::IPV6_DESTINATION_OPTIONS, padding(len - 2))
    }

    /// A route that is at its end (RFC 8200, section 4.4).
    pub fn routing() -> Self {
        Self(ip_number::IPV6_ROUTE_HEADER, vec![0; 6])
    }

    /// A fragment at `offset` bytes, a multiple of 8; `more` follow (RFC 8200, section 4.5).
    pub fn fragment(offset: u16, more: bool) -> Self {
        let [high, low] = (offset | u16::from(more)).to_be_bytes();
        Self(
            ip_number::IPV6_FRAGMENTATION_HEADER,
            vec![high, low, 0, 0, 0, 9],
        )
    }

    /// The length of a packet that is longer than 16 bits can say (RFC 2675, section 2).
    pub fn jumbo(payload: usize) -> Self {
        let behind_ip = payload as u32 + 8;
        let option = [&[0xc2, 4], &behind_ip.to_be_bytes()[..]].concat();
        Self(ip_number::IPV6_HEADER_HOP_BY_HOP, option)
    }
}

/// A PadN option of `len` bytes (RFC 8200, section 4.2).
fn padding(len: usize) -> Vec<u8> {
    let mut option = vec![1, (len - 2) as u8];
    option.resize(len, 0);
    option
}
