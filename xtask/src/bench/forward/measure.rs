//! One program in the gateway: what a forwarded segment and a transfer take while it runs.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nat_acct_tests::{Lab, processor, wait_until};

use super::Args;
use super::flood::Flood;
use super::hosts::{self, Links};
use super::iperf3::Iperf3;
use super::records;
use super::segments::Segments;
use crate::bench::gateway::{Clock, Running, kernel_thread};

/// How long packets may be under way, when others want the CPU.
const UNDER_WAY: Duration = Duration::from_secs(5);
/// A program that has taken in what it had buffered does nothing in so long.
const SETTLING: Duration = Duration::from_millis(150);
/// Of what was sent, or the figures are those of something else.
const LEAST_ARRIVED: f64 = 0.99;

pub struct Figures {
    pub packets_per_second: f64,
    /// Of a forwarded packet: by the sender's thread, in which it is forwarded, the kernel's thread
    /// for packets, and the program.
    pub packet_cpu_ns: f64,
    pub bits_per_second: f64,
    /// Of both ends of iperf3, the kernel's thread and the program.
    pub gigabit_cpu_ms: f64,
}

/// What stays the same for all programs.
pub struct Bench<'a> {
    lab: &'a Lab,
    args: &'a Args,
    links: Links,
    iperf3: Iperf3,
    kernel_thread: Clock,
}

impl<'a> Bench<'a> {
    pub fn new(lab: &'a Lab, args: &'a Args, cpu: usize) -> Result<Self> {
        Ok(Self {
            lab,
            args,
            links: hosts::make(lab)?,
            iperf3: Iperf3::start(lab, cpu)?,
            kernel_thread: kernel_thread(cpu)?,
        })
    }

    pub fn measure(&self, mut running: Running) -> Result<(Figures, String)> {
        let mut flood = Flood::open(self.lab, &self.links, self.args.connections)?;
        running.settle(SETTLING)?;
        let (packets, sent, arrived) = self.flood(&mut flood, &mut running)?;
        let transfer = self.transfer(&mut running)?;
        let stopped = running.stop()?;
        if let Some(stopped) = stopped {
            records::check(&stopped, self.args.connections, sent, arrived)?;
        }
        let figures = Figures {
            packets_per_second: packets.per_second,
            packet_cpu_ns: packets.cpu_s * 1e9,
            bits_per_second: transfer.per_second,
            gigabit_cpu_ms: transfer.cpu_s * 1e12,
        };
        let said = figures.to_string();
        Ok((figures, said))
    }

    fn flood(
        &self,
        flood: &mut Flood,
        running: &mut Running,
    ) -> Result<(Each, Segments, Segments)> {
        let before = hosts::arrived(self.lab)?;
        let cpu = self.cpu(running)? + processor::time_taken()?;
        let begun = Instant::now();
        let sent = flood.send(self.args.packets)?;
        let wall = begun.elapsed();
        let thread = processor::time_taken()?;
        let arrived = self.wait_for_arrival(sent, before)?;
        running.settle(SETTLING)?;
        let cpu = self.cpu(running)? + thread - cpu;
        let each = Each::of(arrived.together() as f64, wall, cpu);
        Ok((each, sent, arrived))
    }

    fn transfer(&self, running: &mut Running) -> Result<Each> {
        let cpu = self.cpu(running)?;
        let transfer = self.iperf3.download(self.lab, &self.args.bytes)?;
        running.settle(SETTLING)?;
        let cpu = self.cpu(running)? - cpu + transfer.cpu;
        Ok(Each {
            per_second: transfer.bits_per_second,
            cpu_s: cpu.as_secs_f64() / transfer.bits,
        })
    }

    /// Of those that work beside the sender.
    fn cpu(&self, running: &mut Running) -> Result<Duration> {
        Ok(self.kernel_thread.read()? + running.cpu()?)
    }

    fn wait_for_arrival(&self, sent: Segments, before: Segments) -> Result<Segments> {
        let now = || Ok::<_, anyhow::Error>(hosts::arrived(self.lab)? - before);
        let all = wait_until(UNDER_WAY, "all segments", || {
            Ok((now()? == sent).then_some(sent))
        });
        let arrived = all.or_else(|_| now())?;
        let share = arrived.together() as f64 / sent.together() as f64;
        ensure!(share >= LEAST_ARRIVED, "of {sent:?} arrived {arrived:?}");
        Ok(arrived)
    }
}

/// Of many things of a kind.
struct Each {
    per_second: f64,
    cpu_s: f64,
}

impl Each {
    fn of(things: f64, wall: Duration, cpu: Duration) -> Self {
        Self {
            per_second: things / wall.as_secs_f64(),
            cpu_s: cpu.as_secs_f64() / things,
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:7.0} packets/s {:7.0} ns CPU {:7.2} Gbit/s {:7.2} ms CPU a Gbit",
            self.packets_per_second,
            self.packet_cpu_ns,
            self.bits_per_second / 1e9,
            self.gigabit_cpu_ms
        )
    }
}
