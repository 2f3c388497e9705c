//! What a connection takes in user space: from events to its account by the engine, and from that to a
//! line. `cargo xtask bench records` runs this and writes the page.

mod allocations;
mod echo;
mod gateway;
mod lines;
mod rounds;

use std::env;

use anyhow::{Context as _, Result, ensure};
use nat_acct::{
    engine::{Engine, Timeouts},
    record::Format,
};
use nat_acct_tests::processor;

use self::{echo::Echo, gateway::Gateway, lines::Lines, rounds::Rounds};

const ENGINE_TOLD: &str = "events and engine";
const EVENTS: &str = "events";

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    let mut number = || args.next()?.parse().ok();
    let (cpu, rounds) = number()
        .zip(number())
        .context("run `cargo xtask bench records`")?;
    processor::stay_on(cpu)?;
    let mut all = Rounds::default();
    let mut engine = Engine::new(Timeouts::default());
    engine.reserve(2 * gateway::OPEN);
    let mut gateway = Gateway::busy(engine);
    let account = gateway.account().context("a connection has ended")?;
    let mut events = Gateway::busy(Echo::new(account));
    let lines = Lines::of(account);
    for _ in 0..rounds {
        all.measure(ENGINE_TOLD, gateway::CONNECTIONS, || gateway.go_on())?;
        all.measure(EVENTS, gateway::CONNECTIONS, || events.go_on())?;
        all.measure("line, ecs", lines::RECORDS, || lines.write(Format::Ecs))?;
        all.measure("line, compact", lines::RECORDS, || {
            lines.write(Format::Compact);
        })?;
        all.measure("serde_json::Value, ecs", lines::RECORDS, || {
            lines.write_value();
        })?;
    }
    ensure!(
        gateway.told() == events.told(),
        "these are not the same events"
    );
    all.subtract("engine alone", [ENGINE_TOLD, EVENTS])?;
    all.print();
    Ok(())
}
