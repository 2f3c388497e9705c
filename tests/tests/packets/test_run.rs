//! The cases by `BPF_PROG_TEST_RUN` of the programs as the agent loads them. What they left in the
//! maps is read by the agent's own source, and becomes records in the agent's own engine.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use aya::programs::{SchedClassifier, TestRun as _, TestRunOptions};
use nat_acct::clock;
use nat_acct::engine::{Engine, Event, Request, Timeouts};
use nat_acct::record::{Account, End, Format, Record, Stamp};
use nat_acct::source::live::{Live, Places, Settings};
use nat_acct_common::layout::Cause;
use nat_acct_tests::cases::{self, Case, Frame, Outcome, Side};
use nat_acct_tests::in_a_lab;
use nat_acct_tests::shapes::Way;
use nix::net::if_::if_nametoindex;

use crate::hooks::{self, Hook, INSIDE, NS, OUTSIDE};
use crate::verdict::Verdicts;

/// The longest frame that a test run takes is a page less what the kernel needs for itself
/// (net/bpf/test_run.c, bpf_test_init).
const LARGEST_FRAME: usize = 3_600;
/// Longer than any connection lingers. The engine remembers no time, so what is over can be told by
/// the time of a moment that has not come.
const LONG_NS: u64 = 10_000_000_000;

#[test]
fn test_runs_agree_with_the_table() -> Result<()> {
    in_a_lab(|lab| {
        let _tuns = hooks::make(lab)?;
        lab.enter(NS, || {
            let mut live = load(65_536)?;
            let mut verdicts = Verdicts::new(Way::TestRun);
            for case in cases::all(Way::TestRun, LARGEST_FRAME) {
                let outcome = Runs::new(&mut live).show(&case);
                let outcome = outcome.with_context(|| case.name);
                verdicts.add(&case, &outcome?);
            }
            verdicts.end();
            Ok(())
        })
    })
}

/// The programs are attached too, for that is how they learn which interface is which.
pub fn load(max_connections: u32) -> Result<Live> {
    let settings = Settings {
        max_connections,
        ring_bytes: 1 << 20,
        close_on_first_fin: false,
        log_level: tracing::Level::INFO,
    };
    let mut live = Live::load(&settings, None)?;
    live.attach(&Places {
        inside: INSIDE.map(str::to_owned).into(),
        outside: OUTSIDE.map(str::to_owned).into(),
        hook: None,
    })?;
    Ok(live)
}

/// A case on its way through the kernel.
struct Runs<'a> {
    live: &'a mut Live,
    engine: Engine,
    /// How far the engine is told to be ahead of the clock.
    ahead_ns: u64,
    records: Vec<Account>,
}

impl<'a> Runs<'a> {
    fn new(live: &'a mut Live) -> Self {
        Self {
            live,
            engine: Engine::new(Timeouts::default()),
            ahead_ns: 0,
            records: Vec::new(),
        }
    }

    fn show(mut self, case: &Case) -> Result<Outcome> {
        let before = self.live.ignored()?;
        for round in &case.rounds {
            ensure!(self.records.len() >= round.after_records, "too few records");
            for frame in &round.frames {
                run(self.live, frame)?;
                self.take_events()?;
            }
            self.ahead_ns = LONG_NS;
            self.engine.handle_timeout(self.now_ns());
            self.take_events()?;
            self.ahead_ns = 0;
        }
        self.engine.stop(End::AgentStop);
        self.take_events()?;
        let after = self.live.ignored()?;
        let grown = before
            .iter()
            .zip(&after)
            .map(|((cause, before), (_, after))| (*cause, after.packets - before.packets));
        let ignored: BTreeMap<Cause, u64> = grown.filter(|(_, packets)| *packets > 0).collect();
        let lines: Result<Vec<_>> = self.records.iter().map(line).collect();
        Outcome::new(&lines?, ignored)
    }

    /// Hands events to the engine, and does what it asks for.
    fn take_events(&mut self) -> Result<()> {
        while let Some(event) = self.live.next_event() {
            self.engine.handle_event(event, self.now_ns());
        }
        while let Some(request) = self.engine.poll_request() {
            match request {
                Request::Look(slot) => {
                    if let Some(facts) = self.live.facts(slot) {
                        self.engine.handle_event(Event::Seen(facts), self.now_ns());
                    }
                }
                Request::Retire(slot) => self.harvest(slot)?,
                Request::ForgetReset(slot) => self.live.forget_reset(slot),
                Request::NoteSharedIsn(slot) => self.live.note_shared_isn(slot),
                Request::ForgetOutside(key) => self.live.forget_outside(&[key])?,
            }
        }
        self.records
            .extend(std::iter::from_fn(|| self.engine.poll_record()));
        Ok(())
    }

    /// Between two test runs no program is at work, so there is nothing to wait for.
    fn harvest(&mut self, slot: u32) -> Result<()> {
        let retired = self.live.retire(slot).context("no such connection")?;
        if let Some(event) = self.live.harvest(&retired) {
            self.engine.handle_event(event, self.now_ns());
        }
        self.live.release(&[retired])?;
        self.engine
            .handle_event(Event::Released(slot), self.now_ns());
        Ok(())
    }

    fn now_ns(&self) -> u64 {
        clock::monotonic_ns() + self.ahead_ns
    }
}

/// Lets the kernel run the program that would see the frame, as often as it is sent.
fn run(live: &mut Live, frame: &Frame) -> Result<()> {
    let name = match (frame.side, hooks::hook(frame)) {
        (Side::Inside, Hook::Ingress) => "inside_ingress",
        (Side::Inside, Hook::Egress) => "inside_egress",
        (Side::Outside, Hook::Ingress) => "outside_ingress",
        (Side::Outside, Hook::Egress) => "outside_egress",
    };
    let interface = if_nametoindex(hooks::interface(frame))?;
    let context = context(interface, frame.gso_size.into());
    frame.each(frame.whole(), |bytes| {
        show(live, name, &context, bytes).with_context(|| format!("{name} on {frame:?}"))
    })
}

/// Lets the kernel run the program `name` on a packet.
pub fn show(live: &mut Live, name: &'static str, context: &[u8], bytes: &[u8]) -> Result<()> {
    let program = live.ebpf().program(name).context(name)?;
    let program: &SchedClassifier = program.try_into()?;
    program.test_run(TestRunOptions {
        data_in: Some(bytes),
        ctx_in: Some(context),
        ..TestRunOptions::new()
    })?;
    Ok(())
}

/// A `__sk_buff` (kernel: include/uapi/linux/bpf.h) with its interface and the size of segments.
pub fn context(interface: u32, gso_size: u32) -> [u8; 192] {
    let mut context = [0; 192];
    context[40..44].copy_from_slice(&interface.to_ne_bytes());
    context[176..180].copy_from_slice(&gso_size.to_ne_bytes());
    context
}

fn line(closed: &Account) -> Result<serde_json::Value> {
    let stamp = Stamp::new(clock::read(), &INSIDE, &OUTSIDE);
    let written = stamp.wall_clock(clock::monotonic_ns());
    let record = Record::new(closed, Some(0), written, &stamp);
    Ok(serde_json::from_str(&record.to_json(Format::Ecs))?)
}
