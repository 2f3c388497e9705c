//! `cargo xtask bench`: measures what the project claims about speed and memory, each figure beside
//! others of the same run, prints a table and writes it into `docs/BENCHMARKS.md`.

mod args;
mod connections;
mod forward;
mod gateway;
mod growth;
mod kernel;
mod list;
mod machine;
mod measure;
mod optimised;
mod packages;
mod records;
mod replay;
mod report;
mod spread;
mod store;
mod table;
mod traffic;

use anyhow::Result;

#[derive(clap::Args)]
pub struct Args {
    /// What to measure; everything if nothing is named
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Short connections while each is recorded, beside none and beside others
    Connections(connections::Args),
    /// What a gateway forwards while the agent runs in it, beside none and beside others
    Forward(forward::Args),
    /// What open connections take: memory, an idle agent, a sweep
    Growth(growth::Args),
    /// What the programs take for a packet, beside an empty one and that of text books
    Kernel(kernel::Args),
    /// From events to accounts and to lines, beside `serde_json` alone
    Records(records::Args),
    /// Records from captures, beside other programs that read the same captures
    Replay(replay::Args),
    /// A store of a day's records, and questions to it, beside other ways to ask; fetches half a
    /// gigabyte of ClickHouse
    Store(store::Args),
    /// Print the records of a day, in the compact format
    Day(store::DayArgs),
    /// Run one program and print what it took; the others use this
    #[command(hide = true)]
    Measure(measure::Args),
}

pub fn run(args: Args) -> Result<()> {
    if optimised::run_instead()? {
        return Ok(());
    }
    match args.what {
        Some(What::Connections(args)) => connections::run(&args),
        Some(What::Forward(args)) => forward::run(&args),
        Some(What::Growth(args)) => growth::run(&args),
        Some(What::Kernel(args)) => kernel::run(&args),
        Some(What::Records(args)) => records::run(&args),
        Some(What::Replay(args)) => replay::run(&args),
        Some(What::Store(args)) => store::run(&args),
        Some(What::Day(args)) => store::print_day(&args),
        Some(What::Measure(args)) => measure::run(&args),
        None => {
            kernel::run(&args::defaults())?;
            records::run(&args::defaults())?;
            replay::run(&args::defaults())?;
            store::run(&args::defaults())?;
            forward::run(&args::defaults())?;
            connections::run(&args::defaults())?;
            growth::run(&args::defaults())
        }
    }
}
