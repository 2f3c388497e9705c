//! `nat-acct who`: its options, and what they mean.

use std::{ffi::OsString, net::IpAddr, path::PathBuf, time::Duration};

use super::{duration::parse_duration, store::input};
use crate::{
    store::DEFAULT_DIR,
    who::{At, Question, Records, Remote, Style, WhoConfig, parse_asked, parse_at, parse_remote},
};

/// The options of `who`.
#[derive(Debug, clap::Args)]
pub struct WhoArgs {
    /// The translated address and port: 203.0.113.1:61002 or [2001:db8::1]:61002. With port 0 or
    /// without one, all connections of the address are meant.
    #[arg(value_name = "ADDRESS[:PORT]", value_parser = parse_asked)]
    pub asked: Asked,

    /// When: 2026-11-22T09:43:12Z, seconds since 1970, or `2026-11-22 09:43 Europe/Amsterdam`. A time
    /// without seconds means all of that minute, one without fractions all of that second.
    #[arg(long, value_name = "TIME", value_parser = parse_at)]
    pub at: At,

    /// How far the clock of whoever noted the time may be off.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub within: Duration,

    /// Only connections to this remote.
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = parse_remote)]
    pub remote: Option<Remote>,

    /// Ask the store in this directory.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DIR, conflicts_with_all = ["from", "clickhouse"])]
    pub store: PathBuf,

    /// Ask these records, a line each, also compressed, in place of a store; `-` is standard input. All
    /// of them are read.
    #[arg(long, value_name = "FILE|-", num_args = 1..)]
    pub from: Vec<OsString>,

    /// Ask the ClickHouse at this URL, such as `http://localhost:8123`, which has the tables of
    /// contrib/clickhouse. It does not know whether records are missing, so it proves nothing.
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    pub clickhouse: Option<String>,

    /// Answer with a JSON object.
    #[arg(long)]
    pub json: bool,
}

/// An address, and a port if one is known.
pub type Asked = (IpAddr, Option<u16>);

/// What the options mean.
pub(super) fn config(args: WhoArgs) -> WhoConfig {
    let (address, port) = args.asked;
    WhoConfig {
        question: Question {
            address,
            port,
            at: args.at,
            within_us: i64::try_from(args.within.as_micros()).unwrap_or(i64::MAX),
            remote: args.remote,
        },
        records: match args.clickhouse {
            Some(url) => Records::ClickHouse(url),
            None if args.from.is_empty() => Records::Store(args.store),
            None => Records::Lines(args.from.into_iter().map(input).collect()),
        },
        style: if args.json { Style::Json } else { Style::Text },
    }
}
