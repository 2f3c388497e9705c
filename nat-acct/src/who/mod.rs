//! `nat-acct who`: which client had a translated address and port at some time. All candidates are told,
//! none is chosen, and "nobody" is said only where it is proved.

mod answer;
mod clickhouse;
mod coverage;
mod json;
mod lines;
mod question;
mod text;
mod time;

use std::path::PathBuf;

use anyhow::Result;

pub use self::{
    answer::{Answer, Client, Verdict},
    question::{Question, Remote, parse_asked, parse_remote},
    time::{At, parse_at},
};
use crate::store::{Found, Input, Store};

/// What to ask, and whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhoConfig {
    /// The question.
    pub question: Question,
    /// Where the records are.
    pub records: Records,
    /// How to answer.
    pub style: Style,
}

/// Where records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// In the directory of a store.
    Store(PathBuf),
    /// In lines.
    Lines(Vec<Input>),
    /// In the tables of `contrib/clickhouse`, of the ClickHouse at this URL.
    ClickHouse(String),
}

/// How to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For people.
    Text,
    /// For programs: one JSON object.
    Json,
}

/// Asks, and gives the answer as text.
///
/// # Errors
///
/// When there are no records to ask, or ClickHouse does not answer.
pub fn who(config: &WhoConfig) -> Result<(Verdict, String)> {
    let found: Vec<Found> = match &config.records {
        Records::Store(path) => {
            let store = Store::open(path)?;
            let wanted = config.question.wanted();
            wanted.iter().map(|wanted| store.find(wanted)).collect()
        }
        Records::Lines(inputs) => lines::find(inputs, &config.question.wanted())?,
        Records::ClickHouse(url) => {
            let wanted = config.question.wanted();
            let found = wanted.iter().map(|wanted| clickhouse::find(url, wanted));
            found.collect::<Result<_>>()?
        }
    };
    let answer = Answer::new(&config.question, found);
    let said = match config.style {
        Style::Text => text::render(&answer),
        Style::Json => json::render(&answer),
    };
    Ok((answer.verdict(), said))
}
