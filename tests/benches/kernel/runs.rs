//! Runs of a program, and how long each took.

use anyhow::{Context as _, Result, ensure};
use aya::programs::{ProgramFd, SchedClassifier, TestRun as _, TestRunOptions};
use nat_acct::source::live::Live;
use nat_acct_tests::{Family, processor};
use nix::net::if_::if_nametoindex;

use crate::maps::{Bench, INSIDE, OUTSIDE};
use crate::packets::{Packet, Side};

/// Which connections, and with which numbers.
#[derive(Clone, Copy)]
pub struct Plan {
    pub turns: u32,
    pub first: u32,
    /// `None` to take them in order.
    pub drawn_from: Option<u32>,
    pub seq: u32,
    pub step: u32,
    pub ack: u32,
    pub seed: u64,
    /// Whether a packet may begin before the one before it is done.
    pub back_to_back: bool,
}

/// What sees the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Empty,
    Textbook,
    InBucket,
    PerCpu,
    /// Openings and endings as in text books.
    Lives,
    /// The least that they take.
    Least,
    Ours,
}

impl Program {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Textbook => "textbook",
            Self::InBucket => "in_bucket",
            Self::PerCpu => "per_cpu",
            Self::Lives => "lives",
            Self::Least => "least",
            Self::Ours => "nat-acct",
        }
    }
}

/// Shows packets to a program; returns the nanoseconds that one took.
pub fn run(
    bench: &mut Bench,
    live: &mut Live,
    packet: &Packet,
    family: Family,
    plan: &Plan,
    program: Program,
) -> Result<f64> {
    let measured = match program {
        Program::Empty | Program::Textbook | Program::InBucket | Program::PerCpu => {
            fd(bench.program(program.name())?)?
        }
        Program::Lives | Program::Least => {
            let name = format!("{}_{}", program.name(), packet.program());
            fd(bench.program(&name)?)?
        }
        Program::Ours => fd(ours(live, packet.program())?)?,
    };
    bench.prepare(plan.words(), &measured)?;
    let frame = packet.frame(family, plan.ack)?;
    let context = context(if_nametoindex(match packet.side {
        Side::Inside => INSIDE,
        Side::Outside => OUTSIDE,
    })?);
    let draws = bench.program(packet.draws(family))?;
    let options = TestRunOptions {
        data_in: Some(&frame),
        ctx_in: Some(&context),
        repeat: plan.turns,
        ..TestRunOptions::new()
    };
    let before = processor::time_taken()?;
    let done = draws.test_run(options)?;
    let took = processor::time_taken()? - before;
    ensure!(done.return_value == u32::MAX, "{packet:?} was not let pass");
    Ok(took.as_secs_f64() * 1e9 / f64::from(plan.turns))
}

impl Plan {
    fn words(&self) -> [u32; 8] {
        let drawn_from = self.drawn_from.unwrap_or(0);
        let (low, high) = (self.seed as u32 | 1, (self.seed >> 32) as u32);
        [
            low,
            high,
            0,
            self.first,
            drawn_from,
            self.seq,
            self.step,
            self.back_to_back.into(),
        ]
    }
}

fn ours<'a>(live: &'a mut Live, name: &str) -> Result<&'a SchedClassifier> {
    let program = live.ebpf().program(name).context("no such program")?;
    Ok(program.try_into()?)
}

fn fd(program: &SchedClassifier) -> Result<ProgramFd> {
    Ok(program.fd()?.try_clone()?)
}

/// A `__sk_buff` (kernel: include/uapi/linux/bpf.h) with its interface.
fn context(interface: u32) -> [u8; 192] {
    let mut context = [0; 192];
    context[40..44].copy_from_slice(&interface.to_ne_bytes());
    context
}
