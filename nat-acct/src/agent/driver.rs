//! Carries things between source, engine and recorder. All of it is synchronous: the loop decides
//! when.

use std::{collections::VecDeque, io, mem, os::fd::OwnedFd};

use anyhow::{Context as _, Result};
use nat_acct_common::{flow::Retired, layout::OutsideKey};
use tracing::{debug, error};

use super::{
    addresses, interfaces,
    losses::Losses,
    recorder::Recorder,
    sweep::{self, Sweep},
    unknown::Unknown,
};
use crate::{
    clock,
    engine::{Engine, Event, Request},
    record::End,
    source::live::Live,
};

/// Events taken at a time, so that a flood of them does not hold up the rest.
const MAX_EVENTS: usize = 4096;
/// Connections harvested at a time, likewise.
const MAX_HARVEST: usize = 512;
/// Records that may wait for a sink that takes none; more stay in the kernel's tables.
const MAX_PENDING: usize = 10_000;

pub(super) struct Driver {
    live: Live,
    engine: Engine,
    recorder: Recorder,
    losses: Losses,
    unknown: Unknown,
    /// Unlinked, but a program may still be at work on them.
    retiring: Vec<Retired>,
    /// To be harvested when the grace period that has begun is over.
    in_grace: Vec<Retired>,
    /// No program is at work on them any more.
    quiet: VecDeque<Retired>,
    /// Their records are made. They stay in the kernel's tables until these are written, for an
    /// agent that comes after this one, and so does what their translated addresses rest on.
    recorded: Vec<Retired>,
    to_be_forgotten: Vec<OutsideKey>,
    sweep: Sweep,
    /// How many events had been lost when all SYNs on the outside were last looked at.
    outside_swept_at_loss: u64,
}

impl Driver {
    pub(super) fn new(live: Live, engine: Engine, recorder: Recorder) -> Self {
        Self {
            live,
            engine,
            recorder,
            losses: Losses::default(),
            unknown: Unknown::default(),
            retiring: Vec::new(),
            in_grace: Vec::new(),
            quiet: VecDeque::new(),
            recorded: Vec::new(),
            to_be_forgotten: Vec::new(),
            sweep: Sweep::default(),
            outside_swept_at_loss: 0,
        }
    }

    /// Takes in what there is already, if the maps were another agent's before.
    pub(super) fn catch_up(&mut self) -> Result<()> {
        if self.live.is_adopted() {
            self.sweep_slots(sweep::FIRST_SLOT..self.live.slots());
            self.sweep_outside()?;
        }
        Ok(())
    }

    /// Whether programs and maps live on when this agent ends.
    pub(super) fn lives_on(&self) -> bool {
        self.live.lives_on()
    }

    /// Removes what would live on.
    pub(super) fn unpin(&mut self) -> Result<()> {
        self.live.unpin()
    }

    pub(super) fn events_fd(&self) -> io::Result<OwnedFd> {
        self.live.events_fd()
    }

    pub(super) fn next_timeout(&self) -> Option<u64> {
        self.engine.poll_timeout()
    }

    /// Takes events from the ring buffer; tells whether it is empty now.
    pub(super) fn drain_events(&mut self) -> bool {
        let now_ns = clock::monotonic_ns();
        for _ in 0..MAX_EVENTS {
            match self.live.next_event() {
                Some(event) => self.engine.handle_event(event, now_ns),
                None => return true,
            }
        }
        false
    }

    pub(super) fn handle_timeout(&mut self) {
        self.engine.handle_timeout(clock::monotonic_ns());
    }

    /// Does what the engine asks for, and writes the records that it has made.
    pub(super) fn pump(&mut self) -> Result<()> {
        while let Some(request) = self.engine.poll_request() {
            self.carry_out(request);
        }
        while let Some(closed) = self.engine.poll_record() {
            let number = self.live.record_number(closed.slot);
            let number = number.context("a connection with a record has no place")?;
            self.recorder.record(&closed, number);
        }
        self.recorder.flush()?;
        if self.recorder.pending() == 0 {
            self.release()?;
        }
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        for retired in mem::take(&mut self.recorded) {
            let released = self.live.release(retired)?;
            self.engine.handle_event(released, clock::monotonic_ns());
        }
        for key in mem::take(&mut self.to_be_forgotten) {
            self.live.forget_outside(&key);
        }
        Ok(())
    }

    fn carry_out(&mut self, request: Request) {
        match request {
            Request::Look(slot) => {
                if let Some(facts) = self.live.facts(slot) {
                    let now_ns = clock::monotonic_ns();
                    self.engine.handle_event(Event::Seen(facts), now_ns);
                }
            }
            Request::Retire(slot) => match self.live.retire(slot) {
                Some(retired) => self.retiring.push(retired),
                None => error!(slot, "a connection to be retired is not in the table"),
            },
            Request::ForgetReset(slot) => self.live.forget_reset(slot),
            Request::NoteSharedIsn(slot) => self.live.note_shared_isn(slot),
            Request::ForgetOutside(key) => self.to_be_forgotten.push(key),
        }
    }

    /// Whether there is something to wait a grace period for. While the sink takes nothing,
    /// connections stay where they are.
    pub(super) fn begin_grace(&mut self) -> bool {
        if self.recorder.pending() >= MAX_PENDING {
            return false;
        }
        self.in_grace.append(&mut self.retiring);
        !self.in_grace.is_empty()
    }

    /// Takes note that the grace period is over.
    pub(super) fn end_grace(&mut self) {
        self.quiet.extend(self.in_grace.drain(..));
    }

    /// Whether there is something to harvest.
    pub(super) fn has_harvest(&self) -> bool {
        !self.quiet.is_empty()
    }

    /// Reads the counters of connections whose grace period is over, of some at a time. What is said
    /// of their translated addresses then is final, so a SYN whose event was lost is looked for
    /// before.
    pub(super) fn harvest(&mut self) -> Result<()> {
        if self.live.events_lost()? != self.outside_swept_at_loss {
            self.sweep_outside()?;
        }
        let some = self.quiet.len().min(MAX_HARVEST);
        for retired in self.quiet.drain(..some) {
            if let Some(event) = self.live.harvest(&retired)? {
                self.engine.handle_event(event, clock::monotonic_ns());
            }
            self.recorded.push(retired);
        }
        Ok(())
    }

    /// What is done from time to time: looks for losses to report, and, after events were lost,
    /// for what they spoke of.
    pub(super) fn look_around(&mut self) -> Result<()> {
        let ignored = self.live.ignored()?;
        self.losses.report(&ignored);
        self.unknown.look(&ignored);
        self.engine.set_local_addresses(addresses::local());
        self.tend_interfaces()?;
        let events_lost = self.live.events_lost()?;
        if let Some(slots) = self.sweep.next(events_lost, self.live.slots()) {
            if slots.start == sweep::FIRST_SLOT {
                self.sweep_outside()?;
            }
            self.sweep_slots(slots);
        }
        Ok(())
    }

    /// Sees to the interfaces; some may have come or gone, or not.
    pub(super) fn tend_interfaces(&mut self) -> Result<()> {
        interfaces::report(&self.live.tend()?);
        Ok(())
    }

    /// What the system says of interfaces has changed.
    pub(super) fn interfaces_changed(&mut self) -> Result<()> {
        self.live.read_links()?;
        self.tend_interfaces()
    }

    fn sweep_slots(&mut self, slots: std::ops::Range<u32>) {
        let now_ns = clock::monotonic_ns();
        for facts in self.live.sweep(slots) {
            self.engine.handle_event(Event::Seen(facts), now_ns);
        }
    }

    fn sweep_outside(&mut self) -> Result<()> {
        self.outside_swept_at_loss = self.live.events_lost()?;
        let now_ns = clock::monotonic_ns();
        for (key, sighting) in self.live.outside_syns() {
            self.engine
                .handle_event(Event::OutsideSyn(key, sighting), now_ns);
        }
        Ok(())
    }

    /// Detaches the programs and ends all connections.
    pub(super) fn stop(&mut self, reason: End) -> Result<()> {
        self.live.detach();
        while !self.drain_events() {}
        self.sweep_slots(sweep::FIRST_SLOT..self.live.slots());
        self.sweep_outside()?;
        self.engine.stop(reason);
        self.pump()
    }

    /// Writes what is left.
    pub(super) fn close(&mut self) -> Result<()> {
        self.pump()?;
        let ignored = self.live.ignored()?;
        self.losses.report(&ignored);
        self.unknown.finish(&ignored);
        debug!(stats = ?self.engine.stats(), "engine");
        Ok(self.recorder.close()?)
    }
}
