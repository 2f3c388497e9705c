//! What a connection takes in user space: from events to its account by the engine, and from that to a
//! line. `cargo xtask bench records` runs this and writes the page.

mod allocations;
mod gateway;
mod lines;
mod rounds;

use std::env;

use anyhow::{Context as _, Result};
use nat_acct::record::Format;
use nat_acct_tests::processor;

use self::{gateway::Gateway, lines::Lines, rounds::Rounds};

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    let mut number = || args.next()?.parse().ok();
    let (cpu, rounds) = number()
        .zip(number())
        .context("run `cargo xtask bench records`")?;
    processor::stay_on(cpu)?;
    let mut all = Rounds::default();
    let mut gateway = Gateway::busy();
    let lines = Lines::of(gateway.account().context("a connection has ended")?);
    for _ in 0..rounds {
        all.measure("engine", gateway::CONNECTIONS, || gateway.go_on())?;
        all.measure("line, ecs", lines::RECORDS, || lines.write(Format::Ecs))?;
        all.measure("line, compact", lines::RECORDS, || {
            lines.write(Format::Compact);
        })?;
        all.measure("serde_json::Value, ecs", lines::RECORDS, || {
            lines.write_value();
        })?;
    }
    all.print();
    Ok(())
}
