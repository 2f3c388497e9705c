//! The section of a page: what was sent, a row for each program, and what the figures mean.

use super::contestant::Program;
use super::ran::Ran;
use crate::bench::list::list;
use crate::bench::packages;
use crate::bench::spread::{Spread, shown_within};
use crate::bench::table::Table;

/// The figures of a program, and those of the gateway without any. Rounds of the same number were one
/// after the other.
pub struct Rounds<'a, F> {
    of: &'a [F],
    floor: &'a [F],
}

impl<F> Rounds<'_, F> {
    /// One figure, of all rounds.
    pub fn all(&self, value: fn(&F) -> f64, digits: usize) -> String {
        shown(self.of.iter().map(value), digits)
    }

    /// One that not each round has.
    pub fn some(&self, value: fn(&F) -> Option<f64>, digits: usize) -> String {
        shown(self.of.iter().filter_map(value), digits)
    }

    /// One in parts of that without a program, round by round.
    pub fn ratios(&self, value: fn(&F) -> f64) -> String {
        let pairs = self.of.iter().zip(self.floor);
        shown(pairs.map(|(its, floor)| value(its) / value(floor)), 2)
    }
}

/// The median, and where that of ever more rounds would be.
fn shown(values: impl Iterator<Item = f64>, digits: usize) -> String {
    shown_within(Spread::of(values), Spread::of_median, digits)
}

/// What is in brackets behind a median.
pub const CONFIDENCE: &str = "in brackets, with 95 % confidence from six on, that of ever more";

/// The heading begins with program and version, and goes on with as many columns as there are
/// `figures`. Nothing ran first.
pub fn page<F, const N: usize>(
    facts: impl IntoIterator<Item = String>,
    all: &[Ran<F>],
    heading: &[&str],
    figures: fn(Rounds<'_, F>) -> [String; N],
    meaning: String,
) -> String {
    let mut table = Table::new(heading);
    let floor = &all[0].figures;
    for ran in all {
        let mut row = name_and_version(ran);
        match why_none(ran) {
            Some(why) => row.push(why.to_owned()),
            None => row.extend(figures(Rounds {
                of: &ran.figures,
                floor,
            })),
        }
        table.add(row);
    }
    [list(facts), table.to_string(), meaning, list(remarks(all))].join("\n")
}

fn name_and_version<F>(ran: &Ran<F>) -> Vec<String> {
    let contestant = &ran.contestant;
    let version = contestant.package.and_then(packages::version);
    vec![
        contestant.name.to_owned(),
        version.unwrap_or_else(|| "–".to_owned()),
    ]
}

/// For a program without figures, why there are none.
fn why_none<F>(ran: &Ran<F>) -> Option<&'static str> {
    if matches!(ran.contestant.program, Program::Missing) {
        Some("not installed")
    } else {
        ran.failed.as_ref().map(|_| "failed")
    }
}

/// What each program does.
fn remarks<F>(all: &[Ran<F>]) -> impl Iterator<Item = String> {
    all.iter().map(|ran| {
        let contestant = &ran.contestant;
        format!("`{}`: {}", contestant.name, contestant.remark)
    })
}
