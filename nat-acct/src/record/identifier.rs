//! The identifier of a connection: a UUID of version 8 (RFC 9562 section 5.8), made of what the
//! kernel knows of the connection and nothing else. The same connection, found again after a crash,
//! has the same identifier, whatever has become of the wall clock.
//!
//! So it carries no time, as a ULID or a UUID of version 7 would: a wall-clock time that a step can
//! change would make two identifiers of one connection, and a monotonic one in its place would be
//! read as a time that it is not.

use std::{fmt, net::IpAddr, str::FromStr};

use thiserror::Error;

use super::{
    Account, Endpoint,
    digits::{as_str, put_hexadecimal},
};

/// Identifies a connection for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier(u128);

impl Identifier {
    /// The identifier of a connection of this source. If its remote is not given, the identifier cannot
    /// be used to find out whether a guess of it is right.
    pub(super) fn of(account: &Account, remote: Option<Endpoint>, source: Source) -> Self {
        let Source(mut hash) = source;
        hash.add(&account.identity.to_be_bytes());
        for endpoint in std::iter::once(account.client).chain(remote) {
            hash.add_endpoint(endpoint);
        }
        Self(version_8(hash.0))
    }

    /// As a number.
    pub fn to_bits(self) -> u128 {
        self.0
    }

    /// By its number.
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// As it is written.
    pub(super) fn text(self) -> [u8; 36] {
        let mut text = [b'-'; 36];
        let [high, low] = [self.0 >> 64, self.0].map(|half| half as u64);
        put_hexadecimal(&mut text[..8], high >> 32);
        put_hexadecimal(&mut text[9..13], high >> 16);
        put_hexadecimal(&mut text[14..18], high);
        put_hexadecimal(&mut text[19..23], low >> 48);
        put_hexadecimal(&mut text[24..], low);
        text
    }
}

impl FromStr for Identifier {
    type Err = NoIdentifier;

    fn from_str(text: &str) -> Result<Self, NoIdentifier> {
        let digit =
            |bits: u128, digit: u8| Some(bits << 4 | u128::from(char::from(digit).to_digit(16)?));
        let dashes = [8, 13, 18, 23];
        let is_uuid = text.len() == 36 && dashes.iter().all(|at| text.as_bytes()[*at] == b'-');
        let digits = text.bytes().filter(|byte| *byte != b'-');
        let bits = is_uuid
            .then(|| digits.take(32).try_fold(0, digit))
            .flatten();
        bits.map(Self).ok_or(NoIdentifier)
    }
}

/// A text is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no UUID")]
pub struct NoIdentifier;

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(as_str(&self.text()))
    }
}

/// Where connections come from: what comes first in the hash of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source(Fnv);

impl Source {
    /// The source with this identifier.
    pub(super) fn new(id: u128) -> Self {
        let mut hash = Fnv::new();
        hash.add(&id.to_be_bytes());
        Self(hash)
    }
}

/// Gives six bits to the version and the variant (RFC 9562 section 4).
fn version_8(hash: u128) -> u128 {
    let version = hash & !(0xf << 76) | 0x8 << 76;
    version & !(0b11 << 62) | 0b10 << 62
}

/// FNV-1a of 128 bits: <https://datatracker.ietf.org/doc/html/rfc9923>.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fnv(u128);

impl Fnv {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    pub(super) fn new() -> Self {
        Self(Self::OFFSET_BASIS)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    pub(super) fn finish(&self) -> u128 {
        self.0
    }

    /// Sixteen bytes of address, IPv4 mapped into IPv6, and the port, both as on the wire.
    fn add_endpoint(&mut self, endpoint: Endpoint) {
        match endpoint.ip {
            IpAddr::V4(ip) => {
                // Ten zeros come first, and to add one is a multiplication and nothing else.
                self.0 = self.0.wrapping_mul(const { Self::PRIME.wrapping_pow(10) });
                self.add(&[0xff; 2]);
                self.add(&ip.octets());
            }
            IpAddr::V6(ip) => self.add(&ip.octets()),
        }
        self.add(&endpoint.port.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::record::{Direction, End, Match, Stage, Totals};

    /// Published identifiers must not change with a release, or a duplicate goes unnoticed.
    #[test]
    fn identifiers_are_the_same_for_ever() {
        let id = identifier(&account(0x0123_4567_89ab_cdef, 54054), 7);
        assert_eq!(id.to_string(), "f1b074ba-e243-80fc-b951-3deb6ad6665c");
    }

    #[test]
    fn version_and_variant_are_in_their_places() {
        for hash in [0, u128::MAX] {
            let text = Identifier(version_8(hash)).to_string();
            assert_eq!(text.as_bytes()[14], b'8', "{text}");
            assert!(matches!(text.as_bytes()[19], b'8' | b'b'), "{text}");
        }
    }

    /// The vector of FNV-1a of 128 bits for "foobar" that its authors publish.
    #[test]
    fn fnv_is_fnv() {
        let mut hash = Fnv::new();
        hash.add(b"foobar");
        assert_eq!(hash.0, 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn an_ipv4_address_is_as_its_mapped_one() {
        let v4 = account(1, 54054);
        let mut mapped = v4;
        mapped.client.ip = "::ffff:192.168.17.11".parse().unwrap();
        assert_eq!(identifier(&v4, 7), identifier(&mapped, 7));
    }

    #[test]
    fn it_reads_as_it_is_written() {
        for id in [
            Identifier(0),
            Identifier(u128::MAX),
            Identifier(version_8(7)),
        ] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in [
            "",
            "01JD",
            "f1b074ba-e243-80fc-b951-3deb6ad6665",
            "f1b074ba-e243-80fc-b951_3deb6ad6665c",
        ] {
            assert_eq!(text.parse::<Identifier>(), Err(NoIdentifier), "{text}");
        }
    }

    #[test]
    fn connections_and_boots_differ() {
        let ids: HashSet<_> = (0..100)
            .flat_map(|identity| (0..100).map(move |port| account(identity, port)))
            .flat_map(|account| [0, 1].map(|boot| identifier(&account, boot)))
            .collect();
        assert_eq!(ids.len(), 20_000);
    }

    #[test]
    fn without_the_remote_there_is_nothing_of_it_in_the_identifier() {
        let one = account(1, 54054);
        let mut other = one;
        other.remote.port = 443;
        assert_eq!(
            Identifier::of(&one, None, Source::new(7)),
            Identifier::of(&other, None, Source::new(7))
        );
        assert_ne!(identifier(&one, 7), identifier(&other, 7));
        let later = account(2, 54054);
        assert_ne!(
            Identifier::of(&one, None, Source::new(7)),
            Identifier::of(&later, None, Source::new(7))
        );
    }

    fn identifier(account: &Account, source_id: u128) -> Identifier {
        Identifier::of(account, Some(account.remote), Source::new(source_id))
    }

    fn account(identity: u64, client_port: u16) -> Account {
        Account {
            slot: 1,
            identity,
            start_ns: 0,
            end_ns: 0,
            stage: Stage::Ended(End::Fin),
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
