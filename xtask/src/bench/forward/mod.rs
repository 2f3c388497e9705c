//! `cargo xtask bench forward`: what a gateway forwards while the agent runs in it, beside none and
//! beside others. The agent's records are compared with what was sent, or the benchmark fails.

mod contestants;
mod flood;
mod hosts;
mod iperf3;
mod measure;
mod page;
mod records;
mod segments;
mod site;

use anyhow::Result;
use nat_acct_tests::{Lab, processor};

use self::measure::measure;
use self::site::Site;
use super::{gateway, machine, report};

#[derive(clap::Args)]
pub struct Args {
    /// Connections that the small segments belong to
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=60_000))]
    connections: u16,
    /// Small segments a round, program and gateway
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    packets: u64,
    /// What iperf3 transfers a round, program and gateway, in its own words
    #[arg(long, default_value = "250M")]
    bytes: String,
    /// How often each program is run, in turns
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Run no other programs and write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let (lab, agent) = gateway::set_up()?;
    let contestants = contestants::all(lab.dir(), agent, args.alone);
    // Before this thread is on one CPU, or that is all it finds.
    let facts = machine::facts();
    let cpu = machine::cpu_to_measure_on();
    processor::stay_on(cpu)?;
    let second = Lab::up()?;
    let sites = [Site::new(lab, args, cpu)?, Site::new(second, args, cpu)?];
    let measure = |_, contestant: &_| measure(&sites, contestant, args);
    let all = gateway::run(contestants, args.rounds, measure)?;
    let page = page::page(facts, &all, args);
    report::show("Forwarding", &page, args.alone)
}
