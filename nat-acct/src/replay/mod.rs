//! `nat-acct replay`: reads captures of both sides, and writes the records that the agent would
//! have written. Every rule is that of the agent: the parser, the flow step and the engine are the
//! same. What is found here is whose a packet is and when it comes.

mod accounts;
mod clocks;
mod config;
mod coverage;
mod direction;
mod gateway;
mod networks;
mod open;
mod progress;
mod records;
mod reorder;
mod seen;
mod sides;
mod stream;
mod summary;
mod superpacket;

use std::io::{self, Write as _};

use anyhow::{Result, bail};

pub use self::config::{Config, Input, Source, Which};
use self::{
    accounts::Accounts, coverage::Coverage, open::Opened, progress::Progress, records::Records,
    stream::Stream,
};
use crate::sink::{Sink, SinkError};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All input was read.
    Complete,
    /// Some was not, as was said on standard error; all records that could be made were written.
    InputLost,
    /// Nobody reads the records any more.
    OutputClosed,
}

/// Reads the captures to their ends and writes the records. What is to be said is said on standard
/// error.
///
/// # Errors
///
/// When no capture of the inside can be read, or records cannot be written.
pub fn run(config: &Config) -> Result<Outcome> {
    let sink = Sink::open(config.output.clone())?;
    let mut opened = open::open(config);
    say(&opened.complaints);
    if !opened.has_inside {
        bail!("there is no capture of the inside to read");
    }
    let records = Records::new(sink, &opened.inside_names, &opened.outside_names, config);
    let mut accounts = Accounts::new(config, opened.clock_slack_ns, records);
    if !opened.has_outside {
        accounts.set_outside_incomplete();
        say(&["the outside is missing: no translated address can be found"]);
    }
    let mut progress = Progress::new(config.input.sources());
    let mut coverage = Coverage::new(opened.clock_slack_ns, &opened.streams);
    if coverage.is_empty() {
        accounts.set_outside_incomplete();
        say(&["the captures of the outside are empty: no translated address can be found"]);
    }
    if let Some(until_ns) = coverage.unseen_until_ns() {
        accounts.set_outside_begins(until_ns);
    }
    let replayed = replay(
        config,
        &mut opened.streams,
        &mut accounts,
        &mut coverage,
        &mut progress,
    );
    progress.finish();
    match replayed {
        Ok(()) => {}
        Err(SinkError::Closed) => return Ok(Outcome::OutputClosed),
        Err(error) => return Err(error.into()),
    }
    Ok(conclude(&opened, &accounts, &coverage))
}

fn replay(
    config: &Config,
    streams: &mut [Stream],
    accounts: &mut Accounts,
    coverage: &mut Coverage,
    progress: &mut Progress,
) -> Result<(), SinkError> {
    let is_live = config
        .input
        .sources()
        .any(|source| *source == Source::Standard);
    let mut written = 0;
    let mut ended = 0;
    while let Some((stream, due_ns)) = next(streams) {
        let now_ended = streams.iter().filter(|stream| stream.has_ended()).count();
        if now_ended != ended {
            ended = now_ended;
            note_lost_outside(streams, accounts);
        }
        if let Some(seen) = streams[stream].pop() {
            if coverage.lacks(&seen, streams) {
                accounts.set_outside_incomplete();
            }
            accounts.take(&seen, due_ns)?;
        }
        progress.show(streams);
        let connections = accounts.records().sums().connections;
        if is_live && connections != written {
            written = connections;
            accounts.flush()?;
        }
    }
    accounts.close()
}

/// What comes behind a damage on the outside was there and was not seen.
fn note_lost_outside(streams: &[Stream], accounts: &mut Accounts) {
    if streams.iter().any(Stream::has_lost_outside) {
        accounts.set_outside_incomplete();
    }
}

/// The stream whose segment is next, and when it is due.
#[inline]
fn next(streams: &mut [Stream]) -> Option<(usize, u64)> {
    let due = streams.iter_mut().map(Stream::due_ns).enumerate();
    let due = due.filter_map(|(stream, due_ns)| Some((stream, due_ns?)));
    due.min_by_key(|&(_, due_ns)| due_ns)
}

/// Says what is to be said at the end.
fn conclude(opened: &Opened, accounts: &Accounts, coverage: &Coverage) -> Outcome {
    for stream in &opened.streams {
        say(&summary::complaints(stream));
    }
    say(summary::distance(accounts).as_slice());
    say(&summary::too_short(coverage));
    say(&summary::totals(&opened.streams, accounts));
    let lost = opened.streams.iter().any(Stream::has_lost_input);
    if lost || !opened.complaints.is_empty() {
        Outcome::InputLost
    } else {
        Outcome::Complete
    }
}

/// Not by `eprintln!`, which panics where there is no standard error.
fn say<S: AsRef<str>>(lines: &[S]) {
    let mut stderr = io::stderr().lock();
    for line in lines {
        let _ = writeln!(stderr, "nat-acct: {}", line.as_ref());
    }
}
