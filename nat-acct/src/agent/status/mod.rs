//! `nat-acct status`: how it stands, for people and for monitors. A running agent is asked; where none
//! answers, what lives on in the kernel tells what it can.

mod ask;
mod describe;
mod report;

use std::path::PathBuf;

use anyhow::Result;

pub use self::report::State;
use self::{
    ask::Answer,
    describe::describe,
    report::{Report, Tables},
};
use super::figures::problems;
use crate::{clock, record::Stamp, source::live};

/// Whom to ask, and how to say what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusConfig {
    /// The unix socket at which the agent answers.
    pub socket: PathBuf,
    /// Where programs and maps live on.
    pub pin: PathBuf,
    /// Whether to say it in JSON.
    pub json: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// For standard output.
    pub text: String,
    /// What a monitor goes by.
    pub state: State,
}

/// Finds out how it stands.
///
/// # Errors
///
/// When that cannot be found out.
pub fn status(config: &StatusConfig) -> Result<Status> {
    let report = match ask::ask(&config.socket)? {
        Answer::Figures(figures) => {
            let problems = problems(&figures);
            Report {
                state: if problems.is_empty() {
                    State::Well
                } else {
                    State::Troubled
                },
                problems,
                agent: Some(figures),
                tables: None,
            }
        }
        Answer::Silence => Report {
            state: State::Troubled,
            problems: vec!["the agent does not answer".to_owned()],
            agent: None,
            tables: tables(config)?.map(|(tables, _)| tables),
        },
        Answer::Nobody => {
            let found = tables(config)?;
            Report {
                state: match found {
                    None => State::Absent,
                    Some((_, true)) => State::Well,
                    Some((_, false)) => State::CountingOnly,
                },
                problems: Vec::new(),
                agent: None,
                tables: found.map(|(tables, _)| tables),
            }
        }
    };
    let text = if config.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        describe(&report, &config.pin.display().to_string())
    };
    Ok(Status {
        text,
        state: report.state,
    })
}

/// What lives on, and whether an agent runs.
fn tables(config: &StatusConfig) -> Result<Option<(Tables, bool)>> {
    if !config.pin.try_exists().unwrap_or(true) {
        return Ok(None);
    }
    let Some(status) = live::Status::of(&config.pin)? else {
        return Ok(None);
    };
    let stamp = Stamp::new::<&str>(clock::read(), &[], &[]);
    let tables = Tables {
        pin: config.pin.display().to_string(),
        counting_since: stamp.wall_clock(status.made_ns),
        inside: status.maker.places.inside,
        outside: status.maker.places.outside,
        records: status.records,
        slots: status.maker.max_connections.into(),
        used: status.occupied.connections,
        half_open: status.occupied.half_open,
        unknown_packets: status.unknown.packets,
        unknown_payload_bytes: status.unknown.payload_bytes,
    };
    Ok(Some((tables, status.has_agent)))
}
