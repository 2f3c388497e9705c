//! The section of the page: what was read, a row for each program, and what the figures mean.

use super::contestants::{LONGER, OURS};
use super::rounds::Ran;
use crate::bench::machine;
use crate::bench::measure::{Measured, Outcome};
use crate::bench::packages;
use crate::bench::spread::Spread;
use crate::bench::table::Table;
use crate::bench::traffic::Captures;

const HEADING: [&str; 8] = [
    "program",
    "version",
    "packets",
    "wall s",
    "CPU s",
    "million packets/s",
    "peak MB",
    "ours is faster by",
];

pub fn body(all: &[Ran], captures: &Captures, longer: &Captures, rounds: u32) -> String {
    let mut text = machine::facts()
        .iter()
        .map(|fact| format!("- {fact}\n"))
        .collect::<String>();
    text += &format!("- Captures: {}\n", described(captures));
    text += &format!("- Longer captures: {}\n\n", described(longer));
    text += &table(all).to_string();
    text += &format!(
        "\nMedian of {rounds} rounds (least–most), in each of which the programs ran one after the \
         other on one CPU, the captures in the page cache. Packets are those that the program read. The last column \
         is the median over the rounds of the ratio of packets per second, ours to its.\n\n"
    );
    for ran in all {
        text += &format!("- {}: {}.\n", ran.contestant.name, ran.contestant.remark);
    }
    text + "\nThe records of nat-acct were compared with what the generator put into the captures: \
         number, payload, packets, IP bytes, and addresses and ports of all three endpoints of \
         each connection are equal.\n"
}

fn described(captures: &Captures) -> String {
    let truth = &captures.truth;
    format!(
        "{} packets in two files, {} connections, {} at a time, {} payload bytes; snap length 96",
        captures.packets(),
        truth.connections,
        captures.plan.connections,
        truth.sent + truth.received,
    )
}

fn table(all: &[Ran]) -> Table {
    let mut table = Table::new(&HEADING);
    let ours = all.iter().find(|ran| ran.contestant.name == OURS);
    for ran in all {
        table.add(row(ran, ours));
    }
    table
}

fn row(ran: &Ran, ours: Option<&Ran>) -> Vec<String> {
    let contestant = &ran.contestant;
    let version = match contestant.package {
        Some(package) => packages::version(package).unwrap_or_default(),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut row = vec![contestant.name.to_owned(), version];
    row.extend(match ran.outcome() {
        None => vec!["not installed".to_owned()],
        Some(Outcome::Failed) => vec!["failed".to_owned()],
        Some(Outcome::Stopped) => vec!["took too long".to_owned()],
        Some(Outcome::Done) => figures(ran, ours),
    });
    row
}

fn figures(ran: &Ran, ours: Option<&Ran>) -> Vec<String> {
    let of = |value: fn(&Measured) -> f64| Spread::of(ran.runs.iter().map(value));
    let shown = |spread: Option<Spread>, digits: usize| {
        let show = |value| format!("{value:.digits$}");
        spread.map_or_else(String::new, |spread| spread.shown(show))
    };
    vec![
        ran.contestant.packets.to_string(),
        shown(of(|run| run.wall_s), 2),
        shown(of(|run| run.cpu_s), 2),
        shown(Spread::of(ran.speeds().map(|speed| speed / 1e6)), 2),
        shown(of(|run| run.peak_bytes as f64 / 1e6), 1),
        ours.map_or_else(String::new, |ours| ratio(ours, ran)),
    ]
}

fn ratio(ours: &Ran, other: &Ran) -> String {
    if [OURS, LONGER].contains(&other.contestant.name) {
        return String::new();
    }
    let ratios = ours
        .speeds()
        .zip(other.speeds())
        .map(|(ours, other)| ours / other);
    Spread::of(ratios).map_or_else(String::new, |spread| format!("{:.2}", spread.median()))
}

impl Ran {
    /// Packets per second of each run.
    fn speeds(&self) -> impl Iterator<Item = f64> {
        let packets = self.contestant.packets as f64;
        self.runs.iter().map(move |run| packets / run.wall_s)
    }
}
