//! What `run` and `replay` are both told: when a connection ends, of what there are records, and how
//! and where they are written.

use std::{ffi::OsString, time::Duration};

use clap::ValueEnum;

use super::duration::{nanoseconds, parse_duration, parse_timeout};
use crate::{
    engine::{Interim, Timeouts},
    record::{Format, Remotes},
};

/// The options that both commands have.
#[derive(Debug, clap::Args)]
pub struct AccountingArgs {
    /// Where the records go: a file, which is made or added to, or `-` for standard output. `run`
    /// opens the file again on SIGHUP.
    #[arg(long, value_name = "-|FILE", default_value = "-")]
    pub output: OsString,

    /// How the records look. `nat-acct schema` describes each format.
    #[arg(long, value_enum, default_value_t)]
    pub format: FormatArg,

    /// Leave the address and port of the remote out of all records. A gateway of many subscribers
    /// should not log them unless it must (RFC 6888, REQ-12).
    #[arg(long)]
    pub no_destination: bool,

    /// Also write a record when a connection has begun and its translated address is known
    /// (`nat-session-start`).
    #[arg(long)]
    pub start_records: bool,

    /// Also write a record of each open connection each time that so much time has passed since its
    /// opening (`nat-session-update`), with its counts so far.
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    pub update_every: Option<Duration>,

    /// What ends a connection besides RST and silence. Until both sides have sent FIN, data may
    /// still flow and is counted; after the first FIN alone, it is not.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub close_on: CloseOnArg,

    /// How long to wait for stragglers after the end of a connection before its record is
    /// written. 0s is allowed.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    pub linger: Duration,

    /// How long an established connection may be silent before it counts as ended. The default is
    /// the least that RFC 5382 (REQ-5) allows a NAT.
    #[arg(long, value_name = "TIME", default_value = "2h4m", value_parser = parse_timeout)]
    pub idle_timeout: Duration,

    /// How long an opening may wait for its answer. The default is that of the kernel's conntrack
    /// (SYN_SENT).
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = parse_timeout)]
    pub opening_timeout: Duration,

    /// How long a connection may be silent after one side has sent FIN. The default is that of
    /// the kernel's conntrack (FIN_WAIT).
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = parse_timeout)]
    pub closing_timeout: Duration,
}

impl AccountingArgs {
    /// When a connection ends.
    pub fn timeouts(&self) -> Timeouts {
        Timeouts {
            idle_ns: nanoseconds(self.idle_timeout),
            opening_ns: nanoseconds(self.opening_timeout),
            closing_ns: nanoseconds(self.closing_timeout),
            linger_ns: nanoseconds(self.linger),
            close_on_first_fin: self.close_on == CloseOnArg::FirstFin,
        }
    }

    /// Of which connections that go on there are records.
    pub fn interim(&self) -> Interim {
        Interim {
            starts: self.start_records,
            every_ns: self.update_every.map(nanoseconds),
        }
    }

    /// What records say of remotes.
    pub fn remotes(&self) -> Remotes {
        remotes(self.no_destination)
    }
}

/// What records say of remotes, given whether `--no-destination` was typed.
pub fn remotes(no_destination: bool) -> Remotes {
    match no_destination {
        false => Remotes::Told,
        true => Remotes::LeftOut,
    }
}

/// A format of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Nested, names of the Elastic Common Schema.
    #[default]
    Ecs,
    /// Flat, short names, about a third of the size.
    Compact,
}

/// What ends a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CloseOnArg {
    /// Both sides have sent FIN.
    #[default]
    BothFins,
    /// One side has sent FIN; later segments are ignored.
    FirstFin,
}

impl From<FormatArg> for Format {
    fn from(typed: FormatArg) -> Self {
        match typed {
            FormatArg::Ecs => Self::Ecs,
            FormatArg::Compact => Self::Compact,
        }
    }
}
