//! `cargo xtask bench connections`: how many short connections a gateway carries while each is
//! recorded, and what CPU that takes, beside none and beside others.

mod contestants;
mod load;
mod measure;
mod page;
mod recorded;

use anyhow::Result;
use nat_acct_tests::processor;

use self::measure::Bench;
use super::gateway::Running;
use super::{gateway, machine, report};

#[derive(clap::Args)]
pub struct Args {
    /// Connections a round and program
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// How often each program is run, in turns
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Run no other programs and write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let (lab, agent) = gateway::set_up()?;
    let (contestants, lines): (_, Vec<_>) = contestants::all(&lab, agent, args.alone)?
        .into_iter()
        .unzip();
    // Before this thread is on one CPU, or that is all it finds.
    let facts = machine::facts();
    let cpu = machine::cpu_to_measure_on();
    processor::stay_on(cpu)?;
    let bench = Bench::new(&lab, args.connections, cpu)?;
    let measure = |place: usize, contestant: &_| {
        gateway::clean(&lab)?;
        let running = Running::start(&lab, contestant, cpu)?;
        bench.measure(running, lines[place].as_ref())
    };
    let all = gateway::run(contestants, args.rounds, measure)?;
    let page = page::page(facts, &all, args);
    report::show("Short connections", &page, args.alone)
}
