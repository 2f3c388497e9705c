//! What the pages of these benchmarks have in common.

use super::contestant::Program;
use super::rounds::Ran;
use crate::bench::packages;
use crate::bench::spread::Spread;

/// What a row begins with; for a program without figures, why there are none.
pub fn name_and_version<F>(ran: &Ran<F>) -> Vec<String> {
    let contestant = &ran.contestant;
    let version = contestant.package.and_then(packages::version);
    let mut row = vec![
        contestant.name.to_owned(),
        version.unwrap_or_else(|| "–".to_owned()),
    ];
    if matches!(contestant.program, Program::Missing) {
        row.push("not installed".to_owned());
    } else if ran.failed.is_some() {
        row.push("failed".to_owned());
    }
    row
}

/// What each program does.
pub fn remarks<F>(all: &[Ran<F>]) -> impl Iterator<Item = String> {
    all.iter().map(|ran| {
        let contestant = &ran.contestant;
        format!("`{}`: {}", contestant.name, contestant.remark)
    })
}

/// With so many digits after the point.
pub fn shown(values: impl Iterator<Item = f64>, digits: usize) -> String {
    let show = |value| format!("{value:.digits$}");
    Spread::of(values).map_or_else(|| "–".to_owned(), |spread| spread.shown(show))
}
