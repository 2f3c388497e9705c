//! From segments to records: the flow step and the engine, as in the agent, with the time of the
//! capture.

use nat_acct_common::layout::{Cause, IgnoredTotal};

use super::{
    Config,
    clocks::Clocks,
    gateway::Gateway,
    records::{EPOCH_NS, Records},
    seen::{Seen, Side},
};
use crate::{engine::Engine, record::End, sink::SinkError, source::memory::MemorySource};

pub(super) struct Accounts {
    source: MemorySource,
    engine: Engine,
    clocks: Clocks,
    gateway: Gateway,
    records: Records,
    now_ns: u64,
}

impl Accounts {
    /// `clock_slack_ns` is 0 where there is one clock.
    pub(super) fn new(config: &Config, clock_slack_ns: u64, records: Records) -> Self {
        let mut engine = Engine::new(config.timeouts);
        engine.set_interim(config.interim);
        engine.set_clock_slack(clock_slack_ns);
        engine.set_local_addresses(config.local_addresses.iter().copied().collect());
        Self {
            source: MemorySource::growing(config.timeouts.close_on_first_fin),
            engine,
            clocks: Clocks::new(clock_slack_ns),
            gateway: Gateway::new(&config.local_addresses),
            records,
            now_ns: 0,
        }
    }

    /// That no SYN is seen on the outside means nothing from now on.
    pub(super) fn set_outside_incomplete(&mut self) {
        self.engine.set_outside_incomplete();
    }

    /// That no SYN is seen on the outside means nothing until this time of the captures.
    pub(super) fn set_outside_begins(&mut self, begin_ns: u64) {
        self.engine
            .note_outside_missed(0..=begin_ns.saturating_add(EPOCH_NS));
    }

    /// Takes in a segment when it is `now_ns` in the captures.
    #[inline]
    pub(super) fn take(&mut self, seen: &Seen, now_ns: u64) -> Result<(), SinkError> {
        self.now_ns = now_ns + EPOCH_NS;
        self.keep_deadlines()?;
        let time_ns = seen.time_ns + EPOCH_NS;
        match (seen.side, seen.sender) {
            (Side::Inside(zone), Some(sender)) => {
                self.source.inside(&seen.segment, sender, zone, time_ns);
            }
            (Side::Inside(_), None) => return Ok(()),
            (Side::Outside(zone), Some(sender)) => {
                self.source.outside(&seen.segment, sender, zone, time_ns);
            }
            (Side::Outside(zone), None) => {
                for &sender in self.gateway.senders(&seen.segment) {
                    self.source.outside(&seen.segment, sender, zone, time_ns);
                }
            }
        }
        if seen.segment.opens() && self.clocks.are_apart(seen) {
            self.engine.set_outside_incomplete();
        }
        if self.source.has_events() {
            self.drive(self.now_ns)?;
        }
        Ok(())
    }

    /// Ends all connections.
    pub(super) fn close(&mut self) -> Result<(), SinkError> {
        self.engine.stop(End::CaptureEnd);
        self.drive(self.now_ns)?;
        self.records.flush()
    }

    /// Writes what has been recorded.
    pub(super) fn flush(&mut self) -> Result<(), SinkError> {
        self.records.flush()
    }

    pub(super) fn records(&self) -> &Records {
        &self.records
    }

    pub(super) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// How often each cause occurred in the flow step.
    pub(super) fn ignored(&self) -> Vec<(Cause, IgnoredTotal)> {
        self.source.ignored()
    }

    /// Does what was due before now, each at its time.
    #[inline]
    fn keep_deadlines(&mut self) -> Result<(), SinkError> {
        while let Some(due_ns) = self.engine.poll_timeout().filter(|due| *due <= self.now_ns) {
            self.drive(due_ns)?;
        }
        Ok(())
    }

    fn drive(&mut self, now_ns: u64) -> Result<(), SinkError> {
        self.source.drive(&mut self.engine, now_ns);
        while let Some(account) = self.engine.poll_record() {
            self.gateway.learn(&account);
            self.records.record(&account, now_ns)?;
        }
        Ok(())
    }
}
