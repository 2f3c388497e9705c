//! `cargo xtask bench replay`: how fast captures become records, and in how much memory, beside
//! other programs that read the same captures. A run of ours whose records are not exactly what is
//! in the captures fails the benchmark.

mod contestants;
mod inputs;
mod others;
mod page;
mod records;
mod rounds;

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::inputs::Inputs;
use super::report;
use crate::{agent, build_ebpf};

#[derive(clap::Args)]
pub struct Args {
    /// Packets in both captures together
    #[arg(long, default_value_t = 5_000_000)]
    packets: u64,
    /// Connections at a time
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How often each program is run, in turns
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The same seed gives the same captures
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run no other programs and write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

pub fn run(args: &Args) -> Result<()> {
    build_ebpf::ensure()?;
    let agent = agent::build()?;
    let dir = dir()?;
    let inputs = Inputs::new(args, &dir)?;
    let scratch = scratch(&dir)?;
    let mut contestants = contestants::ours(&agent, &inputs, &scratch);
    // Flows are sent to it, and nobody reads them.
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    if !args.alone {
        contestants.extend(others::all(&inputs, &scratch, receiver.local_addr()?));
    }
    let all = rounds::run(contestants, args.rounds, &scratch)?;
    let page = page::page(&all, &inputs, args.rounds);
    report::show("Replay", &page, args.alone)
}

/// Beside what cargo builds: nobody commits it, and `cargo clean` removes it.
fn dir() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent);
    let target = target.context("xtask lies in no target directory")?;
    Ok(target.join("bench/replay"))
}

/// For what the programs write.
fn scratch(dir: &Path) -> Result<PathBuf> {
    let scratch = dir.join("written");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch)?;
    Ok(scratch)
}
