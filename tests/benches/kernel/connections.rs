//! Connections that are opened, used and closed, packet by packet; and at the end a look at whether
//! all of that was counted.

use anyhow::{Context as _, Result, ensure};
use nat_acct::engine::Event;
use nat_acct::source::live::Live;
use nat_acct_common::layout::{Cause, PerSender, Sender};
use nat_acct_tests::Family;

use crate::maps::{self, Bench};
use crate::packets::{CLOSING, Kind, OPEN, OPENING, Packet, Side};
use crate::runs::{Plan, Program, run};

/// Packets of open connections in a run.
const TURNS: u32 = 400_000;
/// Each of so many packets of the drawn ones has the same number.
const PER_NUMBER: u32 = 64;
const ISN: u32 = 1_000;

pub struct Connections {
    bench: Bench,
    live: Live,
    family: Family,
    count: u32,
    rounds: u32,
    /// The number after what any connection's sender has sent.
    next: PerSender<u32>,
    shown: PerSender<Shown>,
    seed: u64,
}

/// What was shown to our programs on the inside.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Shown {
    packets: u64,
    payload_bytes: u64,
}

/// What a packet took in each round.
pub struct Row {
    pub packet: &'static str,
    pub back_to_back: bool,
    pub program: &'static str,
    pub ns: Vec<f64>,
}

impl Connections {
    pub fn new(object: &str, family: Family, count: u32, rounds: u32) -> Result<Self> {
        Ok(Self {
            bench: Bench::load(object, count)?,
            live: maps::agent(count)?,
            family,
            count,
            rounds,
            next: PerSender([ISN + 1; 2]),
            shown: PerSender::default(),
            seed: 0x9e37_79b9_7f4a_7c15,
        })
    }

    /// Opens all connections.
    pub fn open(&mut self) -> Result<Vec<Row>> {
        self.one_after_the_other(&OPENING)
    }

    /// Closes all connections.
    pub fn close(&mut self) -> Result<Vec<Row>> {
        self.one_after_the_other(&CLOSING)
    }

    /// Shows packets of connections that are drawn at random.
    pub fn use_them(&mut self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for packet in OPEN {
            let mut programs = vec![Program::Empty, Program::Ours];
            if packet.is_in_textbook(self.family) {
                programs.extend([Program::Textbook, Program::InBucket, Program::PerCpu]);
                rows.extend(self.use_by(&packet, &programs, true)?);
            }
            rows.extend(self.use_by(&packet, &programs, false)?);
        }
        Ok(rows)
    }

    fn use_by(
        &mut self,
        packet: &Packet,
        programs: &[Program],
        back_to_back: bool,
    ) -> Result<Vec<Row>> {
        // Not measured: the first round finds everything cold, and learns what is new.
        self.draw(packet, Program::Ours, back_to_back)?;
        let mut runs = vec![Vec::new(); programs.len()];
        for _ in 0..self.rounds {
            for (&program, ns) in programs.iter().zip(&mut runs) {
                ns.push(self.draw(packet, program, back_to_back)?);
            }
        }
        let each = programs.iter().zip(runs);
        let rows = each.map(|(&program, ns)| Row {
            back_to_back,
            ..row(packet, program, ns)
        });
        Ok(rows.collect())
    }

    /// Whether each packet was counted, for one of these connections, once.
    pub fn check(mut self) -> Result<()> {
        for (cause, total) in self.live.ignored()? {
            let is_expected = cause == Cause::Overflowed || total.packets == 0;
            ensure!(is_expected, "{} packets for {cause:?}", total.packets);
        }
        let opened = self.bench.opened()?;
        let expected = if self.family == Family::V4 {
            self.count
        } else {
            0
        };
        ensure!(opened == expected, "the textbook has {opened} connections");
        let missed = self.bench.missed()?;
        ensure!(missed < TURNS / 100, "{missed} packets found no bucket");
        let mut counted: PerSender<Shown> = PerSender::default();
        for slot in 1..=self.count {
            let retired = self.live.retire(slot).context("a slot is missing")?;
            let Some(Event::Harvested(_, volumes)) = self.live.harvest(&retired) else {
                anyhow::bail!("there is no connection in slot {slot}");
            };
            for sender in [Sender::Client, Sender::Remote] {
                counted.get_mut(sender).packets += volumes.get(sender).packets;
                counted.get_mut(sender).payload_bytes += volumes.get(sender).payload_bytes;
            }
            self.live.release(&[retired])?;
        }
        ensure!(counted == self.shown, "{counted:?} is not {:?}", self.shown);
        Ok(())
    }

    fn one_after_the_other(&mut self, packets: &[Packet]) -> Result<Vec<Row>> {
        let mut programs = vec![Program::Empty, Program::Ours];
        if self.family == Family::V4 {
            programs.extend([Program::Lives, Program::Least]);
        }
        let mut runs = vec![vec![Vec::new(); programs.len()]; packets.len()];
        let part = self.count.div_ceil(self.rounds);
        for first in (0..self.count).step_by(part as usize) {
            let turns = part.min(self.count - first);
            for (packet, ns) in packets.iter().zip(&mut runs) {
                for (&program, ns) in programs.iter().zip(ns) {
                    let plan = Plan {
                        turns,
                        first,
                        drawn_from: None,
                        ..self.plan(packet)
                    };
                    ns.push(self.show(packet, &plan, program)?);
                }
            }
            while self.live.next_event().is_some() {}
            self.bench.drain();
        }
        let rows = packets.iter().zip(runs).flat_map(|(packet, ns)| {
            let each = programs.iter().zip(ns);
            each.map(|(&program, ns)| row(packet, program, ns))
        });
        Ok(rows.collect())
    }

    fn draw(&mut self, packet: &Packet, program: Program, back_to_back: bool) -> Result<f64> {
        let plan = Plan {
            turns: TURNS,
            first: 0,
            drawn_from: Some(self.count),
            step: u32::from(packet.kind == Kind::Data),
            back_to_back,
            ..self.plan(packet)
        };
        let ns = self.show(packet, &plan, program)?;
        let sent = plan.step * (TURNS / PER_NUMBER) + packet.payload_bytes();
        *self.next.get_mut(packet.sender) += sent;
        Ok(ns)
    }

    fn plan(&mut self, packet: &Packet) -> Plan {
        self.seed = self.seed.wrapping_mul(0x5851_f42d_4c95_7f2d) | 1;
        let after_fin = u32::from(packet.kind == Kind::LastAck);
        let (seq, ack) = match packet.kind {
            Kind::Syn | Kind::SynAck => (ISN, ISN + 1),
            Kind::Ack | Kind::Data | Kind::Fin | Kind::LastAck => (
                *self.next.get(packet.sender) + after_fin,
                *self.next.get(packet.sender.peer()) + after_fin,
            ),
        };
        Plan {
            turns: 0,
            first: 0,
            drawn_from: None,
            seq,
            step: 0,
            ack,
            seed: self.seed,
            back_to_back: false,
        }
    }

    fn show(&mut self, packet: &Packet, plan: &Plan, program: Program) -> Result<f64> {
        let Self { bench, live, .. } = self;
        let ns = run(bench, live, packet, self.family, plan, program)?;
        if program == Program::Ours && packet.side == Side::Inside {
            let shown = self.shown.get_mut(packet.sender);
            shown.packets += u64::from(plan.turns);
            shown.payload_bytes += u64::from(plan.turns * packet.payload_bytes());
        }
        Ok(ns)
    }
}

fn row(packet: &Packet, program: Program, ns: Vec<f64>) -> Row {
    Row {
        packet: packet.name,
        back_to_back: false,
        program: program.name(),
        ns,
    }
}
