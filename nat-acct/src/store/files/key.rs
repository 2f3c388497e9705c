//! An address and a port as a column: IPv4 as the number `(address - 2^31) * 65536 + port`, which is
//! six bytes on disk, and IPv6 as 18 bytes. SQLite orders numbers before bytes, so both can be in one
//! column, and all ports of an address are next to each other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

use crate::record::Endpoint;

/// SQLite has numbers with a sign: with it, half of the addresses would take eight bytes.
pub(crate) const BIAS: i64 = 1 << 47;

/// In place of a translated address that there may have been, but is not known.
const UNKNOWN: i64 = BIAS;
/// In place of a translated address that there was not.
const NONE: i64 = BIAS + 1;

/// An endpoint as a column, or the lack of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    V4(i64),
    V6([u8; 18]),
}

impl Key {
    pub(crate) const UNKNOWN: Self = Self::V4(UNKNOWN);
    pub(crate) const NONE: Self = Self::V4(NONE);

    pub(crate) fn new(ip: IpAddr, port: u16) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::V4((i64::from(ip.to_bits()) << 16 | i64::from(port)) - BIAS),
            IpAddr::V6(ip) => {
                let mut bytes = [0; 18];
                bytes[..16].copy_from_slice(&ip.octets());
                bytes[16..].copy_from_slice(&port.to_be_bytes());
                Self::V6(bytes)
            }
        }
    }

    pub(crate) fn endpoint(self) -> Option<Endpoint> {
        match self {
            Self::V4(UNKNOWN | NONE) => None,
            Self::V4(number) => Some(Endpoint {
                ip: Ipv4Addr::from_bits(((number + BIAS) >> 16) as u32).into(),
                port: number as u16,
            }),
            Self::V6(bytes) => {
                let (ip, port) = bytes.split_at(16);
                let ip: [u8; 16] = ip.try_into().expect("16 of 18 bytes");
                Some(Endpoint {
                    ip: Ipv6Addr::from(ip).into(),
                    port: u16::from_be_bytes(port.try_into().expect("2 of 18 bytes")),
                })
            }
        }
    }
}

impl From<Endpoint> for Key {
    fn from(endpoint: Endpoint) -> Self {
        Self::new(endpoint.ip, endpoint.port)
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::V4(number) => ValueRef::Integer(*number),
            Self::V6(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(number) => Ok(Self::V4(number)),
            ValueRef::Blob(bytes) => bytes
                .try_into()
                .map(Self::V6)
                .map_err(|_| FromSqlError::InvalidType),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_comes_back() {
        for text in [
            "203.0.113.1:61002",
            "0.0.0.0:0",
            "127.255.255.255:1",
            "255.255.255.255:65535",
            "[2001:db8::1]:443",
        ] {
            let address: std::net::SocketAddr = text.parse().unwrap();
            let endpoint = Endpoint {
                ip: address.ip(),
                port: address.port(),
            };
            assert_eq!(Key::from(endpoint).endpoint(), Some(endpoint));
        }
        assert_eq!(Key::UNKNOWN.endpoint(), None);
        assert_eq!(Key::NONE.endpoint(), None);
    }
}
