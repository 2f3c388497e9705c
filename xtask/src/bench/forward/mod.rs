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

use anyhow::Result;
use nat_acct_tests::lab::device;
use nat_acct_tests::processor;

use self::measure::Bench;
use super::{gateway, machine, report};

#[derive(clap::Args)]
pub struct Args {
    /// Connections that the small segments belong to
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=60_000))]
    connections: u16,
    /// Small segments a round and program
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..))]
    packets: u64,
    /// What iperf3 transfers a round and program, in its own words
    #[arg(long, default_value = "250M")]
    bytes: String,
    /// How often each program is run, in turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Run no other programs and write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let (lab, agent) = gateway::set_up()?;
    device::offload(&lab, page::OFFLOADS)?;
    let contestants = contestants::all(&lab, agent, args.alone);
    // Before this thread is on one CPU, or that is all it finds.
    let facts = machine::facts();
    let cpu = machine::cpu_to_measure_on();
    processor::stay_on(cpu)?;
    let bench = Bench::new(&lab, args, cpu)?;
    let measure = |_, running| bench.measure(running);
    let all = gateway::run(&lab, contestants, args.rounds, cpu, measure)?;
    let page = page::page(facts, &all, args);
    report::show("Forwarding", &page, args.alone)
}
