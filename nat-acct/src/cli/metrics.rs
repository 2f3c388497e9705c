//! What `--metrics` may be.

use std::net::SocketAddr;

use crate::agent::Address;

/// Whether metrics are told, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsArg {
    /// They are not.
    Off,
    /// There.
    At(Address),
}

impl From<MetricsArg> for Option<Address> {
    fn from(typed: MetricsArg) -> Self {
        match typed {
            MetricsArg::Off => None,
            MetricsArg::At(address) => Some(address),
        }
    }
}

/// `off`, an address of this machine with a port, or a path from the root.
pub fn parse_metrics(typed: &str) -> Result<MetricsArg, String> {
    if typed == "off" {
        return Ok(MetricsArg::Off);
    }
    if typed.starts_with('/') {
        return Ok(MetricsArg::At(Address::Unix(typed.into())));
    }
    let address: SocketAddr = typed.parse().map_err(|_| {
        "want off, a loopback address with a port such as 127.0.0.1:9199, or the path of a unix \
         socket from the root"
            .to_owned()
    })?;
    if !address.ip().is_loopback() {
        return Err("this is no loopback address: let a proxy give metrics to others".to_owned());
    }
    Ok(MetricsArg::At(Address::Tcp(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_or_a_place_on_this_machine() {
        check("off", None);
        check("/run/x", Some("/run/x"));
        check("127.0.0.1:9199", Some("127.0.0.1:9199"));
        check("[::1]:80", Some("[::1]:80"));
        for typed in [
            "",
            "on",
            "run/x",
            "127.0.0.1",
            "localhost:80",
            "192.0.2.1:80",
            "[::]:80",
        ] {
            assert!(parse_metrics(typed).is_err(), "{typed}");
        }
    }

    fn check(typed: &str, expect: Option<&str>) {
        let address: Option<Address> = parse_metrics(typed).expect("it is good").into();
        assert_eq!(
            address.map(|address| address.to_string()).as_deref(),
            expect
        );
    }
}
