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
    record::{Account, Format},
};
use nat_acct_tests::processor;

use self::{
    echo::Echo,
    gateway::{Gateway, Load},
    lines::Lines,
    rounds::Rounds,
};

/// The rows of an engine: with its events, those alone, and the difference.
type Names = [&'static str; 3];

const QUIET: Names = [
    "events and engine, 1,000 open",
    "events, 1,000 open",
    "engine alone, 1,000 open",
];
const BUSY: Names = [
    "events and engine, 65,536 open",
    "events, 65,536 open",
    "engine alone, 65,536 open",
];

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    let mut number = || args.next()?.parse().ok();
    let (cpu, rounds) = number()
        .zip(number())
        .context("run `cargo xtask bench records`")?;
    processor::stay_on(cpu)?;
    let mut all = Rounds::default();
    let mut quiet = Both::under(gateway::QUIET)?;
    let mut busy = Both::under(gateway::BUSY)?;
    let lines = Lines::of(busy.account()?);
    for _ in 0..rounds {
        quiet.measure(&mut all, QUIET)?;
        busy.measure(&mut all, BUSY)?;
        all.measure("line, ecs", lines::RECORDS, || lines.write(Format::Ecs))?;
        all.measure("line, compact", lines::RECORDS, || {
            lines.write(Format::Compact);
        })?;
        all.measure("serde_json::Value, ecs", lines::RECORDS, || {
            lines.write_value();
        })?;
    }
    quiet.check()?;
    busy.check()?;
    all.print();
    Ok(())
}

/// The engine, and what it costs to tell it something.
struct Both {
    engine: Gateway<Engine>,
    events: Gateway<Echo>,
}

impl Both {
    fn under(load: Load) -> Result<Self> {
        let mut engine = Engine::new(Timeouts::default());
        engine.reserve(2 * load.open);
        let engine = Gateway::under(load, engine);
        let account = engine.account().context("a connection has ended")?;
        let events = Gateway::under(load, Echo::new(account));
        Ok(Self { engine, events })
    }

    fn account(&self) -> Result<Account> {
        self.engine.account().context("a connection has ended")
    }

    fn measure(&mut self, all: &mut Rounds, [both, events, engine]: Names) -> Result<()> {
        all.measure(both, gateway::CONNECTIONS, || self.engine.go_on())?;
        all.measure(events, gateway::CONNECTIONS, || self.events.go_on())?;
        all.subtract(engine, [both, events])
    }

    fn check(&self) -> Result<()> {
        ensure!(
            self.engine.told() == self.events.told(),
            "these are not the same events"
        );
        Ok(())
    }
}
