//! What a short connection takes in user space at least, with the kernel's programs and tables as they
//! are: its events are read, its facts and counters, JSON is made and written, and what it had is given
//! back. Nothing is matched, the JSON is always of the same record, nobody waits for stragglers.
//! `cargo xtask bench connections` runs it in the gateway, beside the agent, and ends it.

use std::{
    env,
    hint::black_box,
    io::{self, Write as _},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use nat_acct::{
    engine::Event,
    source::live::{Live, Places, Settings, grace},
};
use nat_acct_common::{flow::Retired, layout::OutsideKey};
use serde_json::Value;
use tracing::Level;

/// As the agent's.
const SETTINGS: Settings = Settings {
    max_connections: 65_536,
    ring_bytes: 1 << 20,
    close_on_first_fin: false,
    log_level: Level::WARN,
};
/// As in the agent, events gather for so long.
const GATHERING: Duration = Duration::from_millis(20);
/// As in the agent, lines are written so many at a time.
const LINES_AT_ONCE: usize = 32;
/// Few are longer.
const LINE_BYTES: usize = 1_024;
/// The first is of a connection that has ended, and as long as most.
const LINES: &str = include_str!("../../../nat-acct/tests/golden/ecs.jsonl");

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    let mut name = || args.next().context("run `cargo xtask bench connections`");
    let places = Places {
        inside: vec![name()?],
        outside: vec![name()?],
        hook: None,
    };
    let live = Live::load(&SETTINGS, None)?;
    let record = LINES.lines().next().context("no record")?;
    let mut least = Least {
        is_over: vec![false; live.slots() as usize],
        live,
        record: serde_json::from_str(record)?,
        ended: Vec::new(),
        sighted: Vec::new(),
    };
    least.live.attach(&places)?;
    loop {
        thread::sleep(GATHERING);
        least.drain();
        least.record()?;
    }
}

struct Least {
    live: Live,
    record: Value,
    /// By slot, whether it is among those that have ended.
    is_over: Vec<bool>,
    ended: Vec<Retired>,
    /// SYNs on the outside.
    sighted: Vec<OutsideKey>,
}

impl Least {
    fn drain(&mut self) {
        while let Some(event) = self.live.next_event() {
            match event {
                // What is known when an event is read may be more than when it was sent.
                Event::Seen(facts) if facts.has_both_fins() => self.end(facts.slot),
                Event::OutsideSyn(key, _) => self.sighted.push(key),
                _ => {}
            }
        }
    }

    fn end(&mut self, slot: u32) {
        let is_over = &mut self.is_over[slot as usize];
        if !*is_over && let Some(retired) = self.live.retire(slot) {
            *is_over = true;
            self.ended.push(retired);
        }
    }

    fn record(&mut self) -> Result<()> {
        if !self.ended.is_empty() {
            grace::wait();
        }
        for part in self.ended.chunks(LINES_AT_ONCE) {
            let mut lines = Vec::with_capacity(part.len() * LINE_BYTES);
            self.live.fetch_retired(part.iter());
            for retired in part {
                black_box(self.live.harvest(retired));
                serde_json::to_writer(&mut lines, &self.record)?;
                lines.push(b'\n');
                self.is_over[retired.slot as usize] = false;
            }
            io::stdout().write_all(&lines)?;
        }
        self.live.release(&self.ended)?;
        self.live.forget_outside(&self.sighted)?;
        self.ended.clear();
        self.sighted.clear();
        Ok(())
    }
}
