//! `nat-acct replay`: its options, and what they mean. Whether a file is there, or what is in it,
//! is found out when it is read.

use std::{collections::HashSet, ffi::OsString, net::IpAddr, time::Duration};

use clap::value_parser;
use ipnet::IpNet;
use nat_acct_common::layout::MAX_INTERFACES;

use super::{
    UsageError,
    accounting::AccountingArgs,
    duration::{nanoseconds, parse_duration},
};
use crate::replay::{Config, Input, Source, Which};

/// The options of `replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// A capture that holds both sides, or `-` for standard input. --inside and --outside then
    /// name interfaces in it.
    #[arg(value_name = "FILE")]
    pub capture: Option<OsString>,

    /// A capture from the clients' side, before translation; `-` is standard input. With a FILE:
    /// an interface in it, by name or, as #2, by number. May be given up to 16 times, for
    /// different interfaces.
    #[arg(long, value_name = "FILE|IF", required = true)]
    pub inside: Vec<OsString>,

    /// A capture from the remotes' side, after translation, or an interface likewise. Without one,
    /// records have no translated addresses.
    #[arg(long, value_name = "FILE|IF")]
    pub outside: Vec<OsString>,

    /// A network of clients. Needed where a capture does not say which way a packet went and
    /// clients do not have private addresses (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7).
    #[arg(long, value_name = "NET")]
    pub inside_net: Vec<IpNet>,

    /// An address of the gateway itself, to tell it from a client, and connections with it from those
    /// that it blocked.
    #[arg(long, value_name = "ADDRESS")]
    pub local: Vec<IpAddr>,

    /// How far the clocks of captures in different files may be apart. Within that, their order
    /// proves nothing; give 0s for captures of one machine.
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_duration)]
    pub clock_slack: Duration,

    /// The largest IP packet on the wire. A longer one in a capture was put together by the
    /// network card or not yet taken apart, and counts as several.
    #[arg(long, value_name = "BYTES", default_value_t = 1500,
          value_parser = value_parser!(u32).range(68..))]
    pub mtu: u32,

    /// What both `run` and `replay` are told of records.
    #[command(flatten)]
    pub accounting: AccountingArgs,
}

/// What the options mean.
pub(super) fn config(args: ReplayArgs) -> Result<Config, UsageError> {
    Ok(Config {
        input: input(args.capture, args.inside, args.outside)?,
        timeouts: args.accounting.timeouts(),
        interim: args.accounting.interim(),
        remotes: args.accounting.remotes(),
        output: args.accounting.output.into(),
        format: args.accounting.format.into(),
        inside_nets: args.inside_net,
        local_addresses: args.local,
        clock_slack_ns: nanoseconds(args.clock_slack),
        mtu: args.mtu,
    })
}

fn input(
    capture: Option<OsString>,
    inside: Vec<OsString>,
    outside: Vec<OsString>,
) -> Result<Input, UsageError> {
    check(&inside, &outside)?;
    let sources = |typed: Vec<OsString>| typed.into_iter().map(Source::from).collect();
    let which = |typed: Vec<OsString>| {
        let which = typed
            .iter()
            .map(|typed| Which::from(&*typed.to_string_lossy()));
        which.collect()
    };
    Ok(match capture {
        Some(capture) => Input::One {
            capture: capture.into(),
            inside: which(inside),
            outside: which(outside),
        },
        None => Input::Several {
            inside: sources(inside),
            outside: sources(outside),
        },
    })
}

/// What is on both sides would be its own translation.
fn check(inside: &[OsString], outside: &[OsString]) -> Result<(), UsageError> {
    let mut seen = HashSet::new();
    for (side, typed) in [("--inside", inside), ("--outside", outside)] {
        if typed.len() > MAX_INTERFACES {
            return Err(UsageError::ManyInterfaces(side, MAX_INTERFACES));
        }
        if typed.iter().any(|typed| typed.is_empty()) {
            return Err(UsageError::NamelessCapture(side));
        }
        let twice = typed.iter().find(|typed| !seen.insert(*typed));
        if let Some(twice) = twice {
            return Err(UsageError::CaptureTwice(side, twice.clone()));
        }
    }
    Ok(())
}
