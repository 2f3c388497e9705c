//! The identifier of a connection: a ULID, so that it sorts by start and fits where a UUID fits,
//! whose random bits are not random. The same connection, found again after a crash, has the same
//! identifier as long as the source's clock is converted alike.

use std::net::IpAddr;

use jiff::Timestamp;
use ulid::Ulid;

use super::{Closed, Endpoint};

/// A ULID has this many bits behind its time.
const RANDOM_BITS: u32 = 80;

/// The identifier of `closed`, which started at `start`.
pub fn of(closed: &Closed, start: Timestamp) -> Ulid {
    // A ULID has no time before the epoch.
    let start_ms = u64::try_from(start.as_millisecond()).unwrap_or(0);
    Ulid::from_parts(start_ms, mix(closed))
}

/// FNV-1a of 128 bits over identity, client and remote, folded as its authors recommend:
/// <https://datatracker.ietf.org/doc/html/rfc9923>.
fn mix(closed: &Closed) -> u128 {
    let mut hash = Fnv::new();
    hash.add(&closed.identity.to_be_bytes());
    for endpoint in [closed.client, closed.remote] {
        hash.add_endpoint(endpoint);
    }
    (hash.0 >> RANDOM_BITS) ^ (hash.0 & ((1 << RANDOM_BITS) - 1))
}

struct Fnv(u128);

impl Fnv {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    fn new() -> Self {
        Self(Self::OFFSET_BASIS)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    /// Sixteen bytes of address, IPv4 mapped into IPv6, and the port, both as on the wire.
    fn add_endpoint(&mut self, endpoint: Endpoint) {
        let ip = match endpoint.ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        self.add(&ip.octets());
        self.add(&endpoint.port.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::record::{Direction, End, Match, Totals};

    /// Published identifiers must not change with a release, or a duplicate goes unnoticed.
    #[test]
    fn identifiers_are_the_same_for_ever() {
        let start = Timestamp::from_millisecond(1_795_340_540_615).unwrap();
        let id = of(&closed(0x0123_4567_89ab_cdef, 54054), start);
        assert_eq!(id.to_string(), "01M81A56P7H0R554M1648WABXC");
    }

    /// The vector of FNV-1a of 128 bits for "foobar" that its authors publish.
    #[test]
    fn fnv_is_fnv() {
        let mut hash = Fnv::new();
        hash.add(b"foobar");
        assert_eq!(hash.0, 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn connections_of_one_millisecond_differ() {
        let ids: HashSet<_> = (0..100)
            .flat_map(|identity| (0..100).map(move |port| closed(identity, port)))
            .map(|closed| of(&closed, Timestamp::UNIX_EPOCH))
            .collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn before_the_epoch_there_is_no_time() {
        let start = Timestamp::from_millisecond(-5).unwrap();
        assert_eq!(of(&closed(1, 1), start).timestamp_ms(), 0);
    }

    fn closed(identity: u64, client_port: u16) -> Closed {
        Closed {
            slot: 1,
            identity,
            start_ns: 0,
            end_ns: 0,
            end: End::Fin,
            direction: Direction::Outbound,
            client: Endpoint {
                ip: [192, 168, 17, 11].into(),
                port: client_port,
            },
            remote: Endpoint {
                ip: "2001:db8::1".parse().unwrap(),
                port: 22,
            },
            translated: None,
            matched: Match::Local,
            totals: Totals::default(),
            partial: false,
            inside: 0,
            vlans: [0; 2],
        }
    }
}
