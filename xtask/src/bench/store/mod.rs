//! `cargo xtask bench store`: how fast a day of records becomes a store, how large that is, and how long a
//! question takes, beside searching the compressed lines, beside DuckDB, and with a site's ClickHouse. An
//! answer of ours that is not exactly who was there fails the benchmark.

mod clickhouse;
mod day;
mod duck;
mod load;
mod page;
mod questions;
mod search;

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use self::{load::Loaded, questions::Questions};
use super::report;
use crate::agent;

#[derive(clap::Args)]
pub struct Args {
    /// How many connections the day has
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1000..))]
    records: u64,
    /// How many questions are asked
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    questions: u64,
    /// The same seed gives the same day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run no other programs and write no page: for work on our own speed
    #[arg(long)]
    alone: bool,
}

#[derive(clap::Args)]
pub struct DayArgs {
    /// How many connections
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// The same seed gives the same day
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What a program took for the questions that it was asked.
struct Asked {
    name: &'static str,
    version: String,
    /// Records a second, of each part.
    imported: Vec<f64>,
    warm_ms: Vec<f64>,
    cold_ms: Vec<f64>,
    peak_bytes: u64,
    bytes_a_record: f64,
    remark: String,
}

pub fn run(args: &Args) -> Result<()> {
    let agent = agent::build()?;
    let dir = dir()?;
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir)?;
    let measured = measure(args, &agent, &dir);
    // The day is gigabytes.
    fs::remove_dir_all(&dir)?;
    let (loaded, asked) = measured?;
    let page = page::page(args, &loaded, &asked);
    report::show("Store", &page, args.alone)
}

fn measure(args: &Args, agent: &Path, dir: &Path) -> Result<(Loaded, Vec<Asked>)> {
    println!(
        "==> a day of {} connections, imported a part at a time",
        args.records
    );
    let loaded = load::load(args, agent, dir)?;
    println!("==> {} questions", args.questions);
    let questions = Questions::draw(args)?;
    let mut asked = vec![questions.ask_store(agent, dir, &loaded)?];
    if !args.alone {
        asked.extend(search::ask(&questions, &loaded)?);
        asked.extend(duck::ask(&questions, &loaded, dir)?);
        asked.extend(clickhouse::ask(&questions, &loaded, agent, dir)?);
    }
    Ok((loaded, asked))
}

pub fn print_day(args: &DayArgs) -> Result<()> {
    let mut output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    day::generate(args.records, args.seed, |number, connection| {
        connection.write_compact(number, &mut output)
    })?;
    output.flush()?;
    Ok(())
}

/// Beside what cargo builds: nobody commits it, and `cargo clean` removes it.
fn dir() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent);
    let target = target.context("xtask lies in no target directory")?;
    Ok(target.join("bench/store"))
}
