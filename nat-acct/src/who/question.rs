//! The question: a translated address, perhaps a port, a time, perhaps a remote.

use std::net::{IpAddr, SocketAddr};

use super::time::At;
use crate::{record::Connection, store::Wanted};

/// Who had it?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The translated address.
    pub address: IpAddr,
    /// The translated port, if one is known.
    pub port: Option<u16>,
    /// When, by the clock of whoever asks.
    pub at: At,
    /// How far that clock may be off, in microseconds.
    pub within_us: i64,
    /// What the client was connected to, if that is known.
    pub remote: Option<Remote>,
}

/// An endpoint beyond the gateway, or all of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The address.
    pub address: IpAddr,
    /// The port, if one is known.
    pub port: Option<u16>,
}

impl Question {
    /// What to look for: once for each time that is meant.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let times = self.at.spans.iter();
        let wanted = times.map(|span| Wanted {
            address: self.address,
            port: self.port,
            from_us: span.from_us.saturating_sub(self.within_us),
            until_us: span.until_us.saturating_add(self.within_us),
        });
        wanted.collect()
    }

    /// Whether a connection may be to the remote in question: one whose remote was left out may be.
    pub(super) fn may_be_to(&self, connection: &Connection) -> bool {
        let (Some(asked), Some(remote)) = (self.remote, connection.remote) else {
            return true;
        };
        asked.address == remote.ip && asked.port.is_none_or(|port| port == remote.port)
    }
}

/// `203.0.113.1:61002`, `[2001:db8::1]:61002`, or without a port. Port 0 is none: notices have it in
/// place of one that is not known.
pub fn parse_asked(typed: &str) -> Result<(IpAddr, Option<u16>), String> {
    let (address, port) = match typed.parse::<SocketAddr>() {
        Ok(both) => (both.ip(), Some(both.port())),
        Err(_) => {
            let bare = typed
                .strip_prefix('[')
                .and_then(|typed| typed.strip_suffix(']'));
            let address = bare.unwrap_or(typed).parse();
            let wrong = "want an address, such as 203.0.113.1:61002 or [2001:db8::1]:61002";
            (address.map_err(|_| wrong.to_owned())?, None)
        }
    };
    Ok((address, port.filter(|port| *port != 0)))
}

/// The same for a remote.
pub fn parse_remote(typed: &str) -> Result<Remote, String> {
    let (address, port) = parse_asked(typed)?;
    Ok(Remote { address, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_may_be_missing() {
        let v4: IpAddr = [203, 0, 113, 1].into();
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        for (typed, expect) in [
            ("203.0.113.1:61002", (v4, Some(61002))),
            ("203.0.113.1:0", (v4, None)),
            ("203.0.113.1", (v4, None)),
            ("[2001:db8::1]:443", (v6, Some(443))),
            ("[2001:db8::1]", (v6, None)),
            ("2001:db8::1", (v6, None)),
        ] {
            assert_eq!(parse_asked(typed), Ok(expect), "{typed}");
        }
        for typed in [
            "",
            "203.0.113.1:",
            "203.0.113.1:65536",
            "example.org:80",
            "203.0.113",
        ] {
            assert!(parse_asked(typed).is_err(), "{typed}");
        }
    }
}
