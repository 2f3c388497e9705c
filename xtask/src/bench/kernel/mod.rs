//! `cargo xtask bench kernel`: what the programs take for a packet. They run in the kernel by
//! `BPF_PROG_TEST_RUN`; `tests/benches/kernel` does that, and fails if a packet is not counted.

mod page;
mod rows;

use anyhow::Result;

use self::rows::Rows;
use super::{machine, report};
use crate::build_ebpf;
use crate::process::{Cmd, cargo};

#[derive(clap::Args)]
pub struct Args {
    /// Connections that are open
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10_000, 100_000, 1_000_000])]
    connections: Vec<u32>,
    /// How often each program is run, in turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let object = build_ebpf::ensure_for_bench()?;
    let cpu = machine::cpu_to_measure_on();
    let connections: Vec<_> = args.connections.iter().map(u32::to_string).collect();
    let told = Cmd::new(&cargo())
        .args("bench --package nat-acct-tests --bench kernel --".split(' '))
        .arg(object.display().to_string())
        .args([&*cpu.to_string(), &args.rounds.to_string()])
        .args(connections.iter().map(String::as_str))
        .stdout()?;
    let page = page::page(&Rows::parse(&told)?, args.rounds);
    // What a call takes beside a cache miss is not the same on all: each has a section of its own.
    let name = format!("Packets in the kernel: {}", machine::processor());
    report::show(&name, &page, args.alone)
}
