//! The section of the page: a row for each program, and what the figures mean.

use super::Args;
use super::load::CLIENTS;
use super::measure::Figures;
use crate::bench::gateway::{Ran, name_and_version, remarks, shown};
use crate::bench::list::list;
use crate::bench::table::Table;

const HEADING: [&str; 8] = [
    "program",
    "version",
    "connections/s",
    "of no agent",
    "CPU µs a connection, all",
    "of no agent, by CPU",
    "CPU µs a connection, program",
    "recorded %",
];

pub fn page(facts: Vec<String>, all: &[Ran<Figures>], args: &Args) -> String {
    let traffic = format!(
        "Connections: {} a round and program, {CLIENTS} at a time, through masquerading with random \
         ports",
        args.connections
    );
    [
        list(facts.into_iter().chain([traffic])),
        table(all).to_string(),
        meaning(args.rounds),
        list(remarks(all)),
    ]
    .join("\n")
}

fn table(all: &[Ran<Figures>]) -> Table {
    let mut table = Table::new(&HEADING);
    let floor = &all[0].figures;
    for ran in all {
        let mut row = name_and_version(ran);
        if row.len() == 2 {
            row.extend(figures(&ran.figures, floor));
        }
        table.add(row);
    }
    table
}

fn figures(of: &[Figures], floor: &[Figures]) -> [String; 6] {
    let all = |value: fn(&Figures) -> f64, digits| shown(of.iter().map(value), digits);
    // Rounds of the same number were one after the other.
    let ratios = |value: fn(&Figures) -> f64| {
        let pairs = of.iter().zip(floor);
        shown(pairs.map(|(its, floor)| value(its) / value(floor)), 2)
    };
    let recorded = of.iter().filter_map(|figures| figures.recorded);
    [
        all(|figures| figures.per_second, 0),
        ratios(|figures| figures.per_second),
        all(|figures| figures.cpu_us, 1),
        ratios(|figures| 1.0 / figures.cpu_us),
        all(|figures| figures.program_cpu_us, 1),
        shown(recorded.map(|share| share * 100.0), 1),
    ]
}

fn meaning(rounds: u32) -> String {
    format!(
        "Median of {rounds} rounds (least–most). In a round the programs run one after the other. \
         Clients, gateway, program and remotes are on one CPU, which they keep busy. A client \
         connects, shuts down and waits for the end; it sends nothing. `of no agent`: connections per \
         second by the clock, in parts of those of the same round without a program; other work on \
         the machine disturbs it. `by CPU`: the same by the CPU time of all. That of the program is \
         what its processes take in user and kernel space until they have nothing to do any \
         more.\n\n\
         Each record of nat-acct is compared with the connections that the clients made and has its \
         translated address, or the benchmark fails. Of the others lines are counted, each that says \
         that a connection ended. The kernel's events of endings come when the connections are \
         removed from its table, which is done after each round.\n"
    )
}
