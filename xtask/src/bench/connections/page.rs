//! The section of the page: a row for each program, and what the figures mean.

use super::Args;
use super::load::CLIENTS;
use super::measure::Figures;
use crate::bench::gateway::{self, CONFIDENCE, Ran, Rounds};

const HEADING: [&str; 9] = [
    "program",
    "version",
    "connections/s",
    "of no agent",
    "CPU µs a connection, all",
    "of no agent, by CPU",
    "CPU µs a connection, program",
    "recorded %",
    "its CPU µs for each recorded",
];

pub fn page(facts: Vec<String>, all: &[Ran<Figures>], args: &Args) -> String {
    let traffic = format!(
        "Connections: {} a round and program, {CLIENTS} at a time, through masquerading with random \
         ports",
        args.connections
    );
    gateway::page(
        facts.into_iter().chain([traffic]),
        all,
        &HEADING,
        figures,
        meaning(args.rounds),
    )
}

fn figures(of: Rounds<'_, Figures>) -> [String; 7] {
    [
        of.all(|figures| figures.per_second, 0),
        of.ratios(|figures| figures.per_second),
        of.all(|figures| figures.cpu_us, 1),
        of.ratios(|figures| 1.0 / figures.cpu_us),
        of.all(|figures| figures.program_cpu_us, 1),
        of.some(|figures| figures.recorded.map(|share| share * 100.0), 1),
        of.some(
            |figures| Some(figures.program_cpu_us / figures.recorded?),
            1,
        ),
    ]
}

fn meaning(rounds: u32) -> String {
    format!(
        "Median of {rounds} rounds ({CONFIDENCE}). In a round the programs run one after the other. \
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
