//! What `nat-acct replay` is to do.

use std::{
    ffi::OsString,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

use crate::{
    engine::{Interim, Timeouts},
    one_line::one_line,
    record::{Format, Remotes},
    sink::Output,
};

/// What to read, how to account it, and where records go.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The captures.
    pub input: Input,
    /// Where records go.
    pub output: Output,
    /// How they look.
    pub format: Format,
    /// What they say of remotes.
    pub remotes: Remotes,
    /// When connections end.
    pub timeouts: Timeouts,
    /// Of which connections that go on there are records.
    pub interim: Interim,
    /// Networks of the clients; none for the private address ranges.
    pub inside_nets: Vec<IpNet>,
    /// Addresses of the gateway itself.
    pub local_addresses: Vec<IpAddr>,
    /// How far the clocks of several captures may be apart.
    pub clock_slack_ns: u64,
    /// The largest IP packet on the wire: what is longer was several.
    pub mtu: u32,
}

/// The captures of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// One capture, in which interfaces tell the sides.
    One {
        /// The capture.
        capture: Source,
        /// The interfaces before translation.
        inside: Vec<Which>,
        /// The interfaces after translation.
        outside: Vec<Which>,
    },
    /// Captures of one side each.
    Several {
        /// The captures before translation.
        inside: Vec<Source>,
        /// The captures after translation.
        outside: Vec<Source>,
    },
}

impl Input {
    /// All captures.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let (one, several) = match self {
            Self::One { capture, .. } => (Some(capture), None),
            Self::Several { inside, outside } => (None, Some(inside.iter().chain(outside))),
        };
        one.into_iter().chain(several.into_iter().flatten())
    }
}

/// Where a capture comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Standard,
    /// A file.
    File(PathBuf),
}

/// An interface in a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// By its name.
    Name(String),
    /// By its number: of its description, or in the header of each packet (LINUX_SLL2).
    Number(u32),
}

impl From<OsString> for Source {
    /// `-` is standard input, as everywhere; a file of that name is `./-`.
    fn from(typed: OsString) -> Self {
        if typed == "-" {
            Self::Standard
        } else {
            Self::File(typed.into())
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("standard input"),
            Self::File(path) => f.write_str(&one_line(&path.to_string_lossy())),
        }
    }
}

impl Source {
    /// What to call the interface if the capture does not say: the file's name up to the first
    /// dot, for people call the captures of `br0` so.
    pub fn stem(&self) -> String {
        match self {
            Self::Standard => "stdin".to_owned(),
            Self::File(path) => stem(path),
        }
    }
}

fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    match name.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => name.into_owned(),
    }
}

impl From<&str> for Which {
    fn from(typed: &str) -> Self {
        let number = typed
            .strip_prefix('#')
            .and_then(|number| number.parse().ok());
        number.map_or_else(|| Self::Name(typed.to_owned()), Self::Number)
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&one_line(name)),
            Self::Number(number) => write!(f, "#{number}"),
        }
    }
}
