//! How times, addresses, endpoints and identifiers are written, and how the schema describes
//! them. All are strings.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr, SocketAddrV4},
};

use jiff::{Timestamp, tz::Offset};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    Endpoint, Identifier, Run,
    digits::{as_str, put_before, put_decimal},
};

/// A time, in microseconds since the Unix epoch, as records have it.
pub fn time(time_us: i64) -> String {
    let time = Timestamp::from_microsecond(time_us).unwrap_or(Timestamp::MIN);
    format!("{time:.6}")
}

/// A time in UTC by RFC 3339, always with six digits of a second.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text() {
            Some(text) => serializer.serialize_str(as_str(&text)),
            None => serializer.collect_str(&format_args!("{:.6}", self.0)),
        }
    }
}

impl Time {
    /// As it is written, unless that takes a sign before the year.
    fn text(self) -> Option<[u8; 27]> {
        let time = Offset::UTC.to_datetime(self.0);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        put_decimal(&mut text[..4], time.year().try_into().ok()?);
        put_decimal(&mut text[5..7], time.month().unsigned_abs().into());
        put_decimal(&mut text[8..10], time.day().unsigned_abs().into());
        put_decimal(&mut text[11..13], time.hour().unsigned_abs().into());
        put_decimal(&mut text[14..16], time.minute().unsigned_abs().into());
        put_decimal(&mut text[17..19], time.second().unsigned_abs().into());
        put_decimal(
            &mut text[20..26],
            time.subsec_nanosecond().unsigned_abs() / 1_000,
        );
        Some(text)
    }
}

/// An IPv4 or IPv6 address.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub struct Address(pub IpAddr);

/// An address and a port, as `192.0.2.1:22` or `[2001:db8::1]:22`.
#[derive(Clone, Copy, Debug)]
pub struct AddressPort(SocketAddr);

impl From<Endpoint> for AddressPort {
    fn from(endpoint: Endpoint) -> Self {
        Self(SocketAddr::new(endpoint.ip, endpoint.port))
    }
}

impl Serialize for AddressPort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            SocketAddr::V4(address) => {
                let mut text = [0; LONGEST_V4];
                let from = put_v4(&mut text, address);
                serializer.serialize_str(as_str(&text[from..]))
            }
            SocketAddr::V6(address) => serializer.collect_str(&address),
        }
    }
}

/// Bytes of the longest IPv4 address and port.
const LONGEST_V4: usize = "255.255.255.255:65535".len();

/// Puts an address and a port at the end; tells where they begin.
fn put_v4(text: &mut [u8; LONGEST_V4], address: SocketAddrV4) -> usize {
    let mut from = put_before(text, LONGEST_V4, address.port());
    for (octet, sign) in address.ip().octets().into_iter().rev().zip(*b":...") {
        from -= 1;
        text[from] = sign;
        from = put_before(text, from, octet.into());
    }
    from
}

impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(as_str(&self.text()))
    }
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(as_str(&self.text()))
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Identifiers of VLANs, as `10`, or `100.10` for VLAN 10 inside VLAN 100.
#[derive(Clone, Copy, Debug)]
pub struct Vlans {
    outer: u16,
    inner: u16,
}

impl Vlans {
    /// By the identifiers, of which 0 is none.
    pub fn of([outer, inner]: [u16; 2]) -> Option<Self> {
        (inner != 0).then_some(Self { outer, inner })
    }
}

impl Serialize for Vlans {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.outer {
            0 => serializer.collect_str(&self.inner),
            outer => serializer.collect_str(&format_args!("{outer}.{}", self.inner)),
        }
    }
}

/// Describes a type where it is used, rather than apart under a name.
macro_rules! described {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

described!(Time, "Time", {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
});
described!(Address, "Address", {
    "type": "string",
    "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }],
});
described!(AddressPort, "AddressPort", {
    "type": "string",
    "pattern": r"^([0-9.]{7,15}|\[[0-9a-f:.]{2,45}\]):[0-9]{1,5}$",
});
described!(Vlans, "Vlans", {
    "type": "string",
    "pattern": r"^[0-9]{1,4}(\.[0-9]{1,4})?$",
});
described!(Run, "Run", {
    "type": "string",
    "pattern": "^[0-9a-f]{16}$",
});
described!(Identifier, "Identifier", {
    "type": "string",
    "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_have_six_digits() {
        check_time(0, "1970-01-01T00:00:00.000000Z");
        check_time(1_795_340_540_615_902_999, "2026-11-22T09:42:20.615902Z");
        check_time(1_795_340_540_000_000_000, "2026-11-22T09:42:20.000000Z");
        check_time(-1, "1969-12-31T23:59:59.999999Z");
        let [least, most] = [Timestamp::MIN, Timestamp::MAX].map(Timestamp::as_nanosecond);
        check_time(least, "-009999-01-02T01:59:59.000000Z");
        check_time(most, "9999-12-30T22:00:00.999999Z");
    }

    #[test]
    fn a_port_stands_apart_from_an_address() {
        check_endpoint("192.0.2.1", "192.0.2.1:22");
        check_endpoint("2001:db8::1", "[2001:db8::1]:22");
        check_endpoint("::ffff:192.0.2.1", "[::ffff:192.0.2.1]:22");
    }

    proptest! {
        #[test]
        fn endpoints_are_as_the_standard_library_writes_them(endpoint in any::<SocketAddr>()) {
            let written = serde_json::to_value(AddressPort(endpoint)).unwrap();
            prop_assert_eq!(written, endpoint.to_string());
        }
    }

    fn check_time(since_epoch_ns: i128, expect: &str) {
        let time = Time(Timestamp::from_nanosecond(since_epoch_ns).unwrap());
        assert_eq!(serde_json::to_value(time).unwrap(), expect);
    }

    fn check_endpoint(ip: &str, expect: &str) {
        let ip = ip.parse().unwrap();
        let written = AddressPort::from(Endpoint { ip, port: 22 });
        assert_eq!(serde_json::to_value(written).unwrap(), expect);
    }
}
