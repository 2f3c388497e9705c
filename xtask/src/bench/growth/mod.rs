//! `cargo xtask bench growth`: what an agent takes when more and more connections are open, though
//! nothing happens. `tests/benches/growth` measures it, and fails if a connection has no record.

mod kernel;
mod page;
mod rows;

use anyhow::Result;
use nat_acct_tests::agent::BINARY;

use self::rows::Rows;
use super::{machine, report};
use crate::process::{Cmd, cargo};
use crate::{agent, build_ebpf};

#[derive(clap::Args)]
pub struct Args {
    /// Connections that are open
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    connections: Vec<u32>,
    /// How often all of them are looked at
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    sweeps: u32,
    /// How long the agent is watched that has nothing to do, in seconds; it sweeps once a minute
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    idle: u32,
    /// Write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

pub fn run(args: &Args) -> Result<()> {
    build_ebpf::ensure()?;
    let agent = agent::build()?;
    let numbers = [args.sweeps, args.idle].into_iter();
    let numbers: Vec<_> = numbers.chain(args.connections.iter().copied()).collect();
    let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
    let told = Cmd::new(&cargo())
        .args("bench --package nat-acct-tests --bench growth --".split(' '))
        .arg(machine::cpu_to_measure_on().to_string())
        .args(numbers.iter().map(String::as_str))
        .env(BINARY, agent.display().to_string())
        .stdout()?;
    let page = page::page(&Rows::parse(&told)?, args.sweeps);
    report::show("Open connections", &page, args.alone)
}
