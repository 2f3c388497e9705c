//! The section of the page: what was read, a row for each program, and what the figures mean.

use super::contestants::Role;
use super::inputs::Inputs;
use super::rounds::Ran;
use crate::bench::list::list;
use crate::bench::measure::{Measured, Outcome};
use crate::bench::spread::{Spread, shown};
use crate::bench::table::Table;
use crate::bench::traffic::Captures;
use crate::bench::{machine, packages};

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

pub fn page(all: &[Ran], inputs: &Inputs, rounds: u32) -> String {
    let facts = machine::facts();
    let captures = [
        ("Captures", &inputs.usual),
        ("Longer captures", &inputs.longer),
        ("Captures of whole packets", &inputs.whole),
    ];
    let captures = captures.map(|(name, captures)| format!("{name}: {}", described(captures)));
    let remarks = all.iter().map(|ran| {
        let contestant = &ran.contestant;
        format!("`{}`: {}", contestant.name, contestant.remark)
    });
    [
        list(facts.into_iter().chain(captures)),
        table(all).to_string(),
        meaning(rounds),
        list(remarks),
    ]
    .join("\n")
}

fn described(captures: &Captures) -> String {
    let truth = &captures.truth;
    let plan = &captures.plan;
    format!(
        "{} packets in two files, {} connections, {} at a time, {} payload bytes, snap length {}",
        captures.packets(),
        truth.connections,
        plan.connections,
        truth.sent + truth.received,
        plan.snap_bytes,
    )
}

fn meaning(rounds: u32) -> String {
    format!(
        "Median of {rounds} rounds (least–most). In a round the programs run one after the other, \
         each on the same CPU, with the captures in the page cache. `packets` is what the program \
         reads. The last column is the median over the rounds of packets per second, ours by \
         its.\n\n\
         The records of nat-acct are compared with what the generator put into the captures, or \
         the benchmark fails: connections, payload, packets and IP bytes, and of each connection \
         the addresses and ports of client, gateway and remote.\n"
    )
}

fn table(all: &[Ran]) -> Table {
    let mut table = Table::new(&HEADING);
    for ran in all {
        table.add(row(ran, all));
    }
    table
}

fn row(ran: &Ran, all: &[Ran]) -> Vec<String> {
    let contestant = &ran.contestant;
    let version = contestant.package.and_then(packages::version);
    let mut row = vec![
        contestant.name.to_owned(),
        version.unwrap_or_else(|| "–".to_owned()),
    ];
    match ran.outcome() {
        None => row.push("not installed".to_owned()),
        Some(Outcome::Failed) => row.push("failed".to_owned()),
        Some(Outcome::Stopped) => row.push("took too long".to_owned()),
        Some(Outcome::Done) => row.extend(figures(ran, all)),
    }
    row
}

fn figures(ran: &Ran, all: &[Ran]) -> [String; 6] {
    let of = |value: fn(&Measured) -> f64, digits: usize| {
        let spread = Spread::of(ran.runs.iter().map(value));
        shown(spread, digits)
    };
    [
        ran.contestant.packets.to_string(),
        of(|run| run.wall_s, 2),
        of(|run| run.cpu_s, 2),
        shown(Spread::of(ran.speeds().map(|speed| speed / 1e6)), 2),
        of(|run| run.peak_bytes as f64 / 1e6, 0),
        ratio(ran, all),
    ]
}

fn ratio(ran: &Ran, all: &[Ran]) -> String {
    let Role::Beside(name) = ran.contestant.role else {
        return "–".to_owned();
    };
    let Some(ours) = all.iter().find(|ran| ran.contestant.name == name) else {
        return "–".to_owned();
    };
    let ratios = ours.speeds().zip(ran.speeds());
    shown(Spread::of(ratios.map(|(ours, its)| ours / its)), 2)
}

impl Ran {
    /// Packets per second of each run.
    fn speeds(&self) -> impl Iterator<Item = f64> {
        let packets = self.contestant.packets as f64;
        self.runs.iter().map(move |run| packets / run.wall_s)
    }
}
