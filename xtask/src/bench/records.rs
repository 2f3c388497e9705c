//! `cargo xtask bench records`: what a connection takes in user space. `tests/benches/records` does
//! it; no kernel has a part in it.

use anyhow::{Context, Result};
use serde_json::Value;

use super::list::list;
use super::spread::Spread;
use super::table::Table;
use super::{machine, report};
use crate::build_ebpf;
use crate::process::{Cmd, cargo};

#[derive(clap::Args)]
pub struct Args {
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

/// What the time consists of, by callgrind, which is not run here: it takes too long.
const PROFILE: &str = "\
The engine waits for memory about four times (reads that miss 512 KiB of cache), nearly always for what it \
knows of openings and SYNs.

Of the 15,500 instructions that `line, ecs` took before release builds were optimised as a whole, 41 % were \
the search for what JSON has to escape, in names of fields too, 23 % the rest of `serde_json`, 8 % times, \
7 % identifiers, 6 % copies, 5 % the proof that the line is UTF-8, which is not made any more, 4 % numbers and \
addresses.";

pub fn run(args: &Args) -> Result<()> {
    build_ebpf::ensure()?;
    let cpu = machine::cpu_to_measure_on().to_string();
    let told = Cmd::new(&cargo())
        .args("bench --package nat-acct-tests --bench records --".split(' '))
        .args([&*cpu, &args.rounds.to_string()])
        .stdout()?;
    let page = page(&told, args.rounds)?;
    report::show("From events to lines", &page, args.alone)
}

fn page(told: &str, rounds: u32) -> Result<String> {
    let mut table = Table::new(&["what", "CPU ns", "million a second", "allocations"]);
    for line in told.lines().filter(|line| line.starts_with('{')) {
        let row: Value = serde_json::from_str(line)?;
        let of = |name: &str| numbers(&row[name]).with_context(|| format!("no {name} in {line}"));
        let ns = of("ns")?;
        table.add(vec![
            row["what"].as_str().unwrap_or_default().to_owned(),
            ns.shown(|ns| format!("{ns:.0}")),
            format!("{:.2}", 1e3 / ns.median()),
            format!("{:.0}", of("allocations")?.median()),
        ]);
    }
    let facts = list(machine::facts());
    Ok(format!(
        "{facts}\n{table}\n\
         For one connection, on one CPU; median of {rounds} rounds (least–most).\n\n\
         - `events and engine`: so many connections are open; one is opened, seen on the outside, answered, \
         and one ends by two FINs, until its account is there. Eight events and a timeout. Of the 1,000, as \
         many begin and end a second; of the 65,536, 33 thousand.\n\
         - `events`: the same events, told to something that asks for the same by a queue and does nothing \
         else.\n\
         - `engine alone`: the difference, round by round. With 1,000 all that it needs is in the cache; what \
         it takes more with 65,536 is to wait for memory.\n\
         - `line`: from the account to the record, and that as text.\n\
         - `serde_json::Value`: such a record, already made and as a tree, to a vector by `serde_json`.\n\n\
         {PROFILE}\n"
    ))
}

fn numbers(value: &Value) -> Option<Spread> {
    let numbers = value.as_array()?.iter().map(Value::as_f64);
    Spread::of(numbers.collect::<Option<Vec<_>>>()?)
}
