//! A gateway in which a program runs, and what is sent through it.

use std::thread::yield_now;
use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::lab::device;
use nat_acct_tests::{Lab, processor, wait_until};

use super::Args;
use super::flood::Flood;
use super::hosts::{self, Links};
use super::iperf3::{Iperf3, Transfer};
use super::page::OFFLOADS;
use super::records;
use super::segments::Segments;
use crate::bench::gateway::{Clock, Contestant, Running, clean, kernel_thread};

/// How long packets may be under way, when others want the CPU.
const UNDER_WAY: Duration = Duration::from_secs(5);
/// A program that has taken in what it had buffered does nothing in so long.
const SETTLING: Duration = Duration::from_millis(150);
/// Of what was sent, or the figures are those of something else.
const LEAST_ARRIVED: f64 = 0.99;

/// A gateway and its hosts, which stay the same for all programs.
pub struct Site<'a> {
    lab: Lab,
    args: &'a Args,
    cpu: usize,
    links: Links,
    iperf3: Iperf3,
    kernel_thread: Clock,
}

/// With a program, and connections that are open.
pub struct Gateway<'a> {
    site: &'a Site<'a>,
    running: Running,
    flood: Flood,
    /// What had arrived before its first segment with payload.
    before: Segments,
    sent: Segments,
}

impl<'a> Site<'a> {
    pub fn new(lab: Lab, args: &'a Args, cpu: usize) -> Result<Self> {
        device::offload(&lab, OFFLOADS)?;
        Ok(Self {
            links: hosts::make(&lab)?,
            iperf3: Iperf3::start(&lab, cpu)?,
            kernel_thread: kernel_thread(cpu)?,
            lab,
            args,
            cpu,
        })
    }

    /// Starts a program, and opens connections when it is ready.
    pub fn start(&self, contestant: &Contestant) -> Result<Gateway<'_>> {
        clean(&self.lab)?;
        let running = Running::start(&self.lab, contestant, self.cpu)?;
        let mut before = hosts::arrived(&self.lab)?;
        let flood = Flood::open(&self.lab, &self.links, self.args.connections)?;
        before += flood.openings();
        wait_until(UNDER_WAY, "all openings", || {
            Ok((hosts::arrived(&self.lab)? == before).then_some(()))
        })?;
        Ok(Gateway {
            site: self,
            running,
            flood,
            before,
            sent: Segments::default(),
        })
    }
}

impl Gateway<'_> {
    /// Sends at least so many segments; the CPU time of the sender, in whose thread the kernel forwards,
    /// and of the kernel's thread for packets.
    pub fn burst(&mut self, segments: u64) -> Result<Duration> {
        let before = self.kernel()?;
        self.sent += self.flood.send(segments)?;
        self.let_the_kernel_finish()?;
        Ok(self.kernel()? - before)
    }

    /// The CPU time that the program has taken until it has nothing to do any more.
    pub fn program(&mut self) -> Result<Duration> {
        self.running.settle(SETTLING)
    }

    /// Waits for all segments that were sent; how many have arrived.
    pub fn arrived(&self) -> Result<Segments> {
        let now = || Ok::<_, anyhow::Error>(hosts::arrived(&self.site.lab)? - self.before);
        let all = wait_until(UNDER_WAY, "all segments", || {
            Ok((now()? == self.sent).then_some(self.sent))
        });
        let (sent, arrived) = (self.sent, all.or_else(|_| now())?);
        let share = arrived.together() as f64 / sent.together() as f64;
        ensure!(share >= LEAST_ARRIVED, "of {sent:?} arrived {arrived:?}");
        Ok(arrived)
    }

    /// A transfer, with the CPU time of both ends, the kernel's thread and the program.
    pub fn download(&mut self) -> Result<Transfer> {
        let Site {
            lab,
            args,
            iperf3,
            kernel_thread,
            ..
        } = self.site;
        let before = kernel_thread.read()? + self.program()?;
        let transfer = iperf3.download(lab, &args.bytes)?;
        let others = self.program()? + kernel_thread.read()? - before;
        Ok(Transfer {
            cpu: transfer.cpu + others,
            ..transfer
        })
    }

    /// Ends the program, and looks at what it leaves.
    pub fn end(self) -> Result<()> {
        let arrived = self.arrived()?;
        if let Some(stopped) = self.running.stop()? {
            records::check(&stopped, self.site.args.connections, self.sent, arrived)?;
        }
        Ok(())
    }

    fn kernel(&self) -> Result<Duration> {
        Ok(processor::time_taken()? + self.site.kernel_thread.read()?)
    }

    /// What its thread has left to do is not to be done in the other gateway's turn.
    fn let_the_kernel_finish(&self) -> Result<()> {
        let thread = &self.site.kernel_thread;
        loop {
            let before = thread.read()?;
            yield_now();
            if thread.read()? == before {
                return Ok(());
            }
        }
    }
}
