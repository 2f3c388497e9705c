//! Carries things between source, engine and recorder. All of it is synchronous: the loop decides
//! when.

use std::{collections::VecDeque, io, mem, os::fd::OwnedFd, sync::Arc};

use anyhow::Result;
use nat_acct_common::flow::Retired;
use tokio::sync::Notify;
use tracing::{debug, error};

use super::{
    addresses,
    losses::Losses,
    recorder::Recorder,
    sweep::{self, Sweep},
};
use crate::{
    clock,
    engine::{Engine, Event, Request},
    record::End,
    source::live::Live,
};

/// Events taken at a time, so that a flood of them does not hold up the rest.
const MAX_EVENTS: usize = 4096;

pub(super) struct Driver {
    live: Live,
    engine: Engine,
    recorder: Recorder,
    losses: Losses,
    /// Unlinked, but a program may still be at work on them.
    retiring: VecDeque<Retired>,
    /// To be harvested when the grace period that has begun is over.
    in_grace: Vec<Retired>,
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
            retiring: VecDeque::new(),
            in_grace: Vec::new(),
            sweep: Sweep::default(),
            outside_swept_at_loss: 0,
        }
    }

    pub(super) fn events_fd(&self) -> io::Result<OwnedFd> {
        self.live.events_fd()
    }

    /// Told whenever records were written: there may be room for more.
    pub(super) fn written(&self) -> Arc<Notify> {
        self.recorder.progress()
    }

    /// Has the file of records opened by its name again.
    pub(super) fn reopen(&self) {
        self.recorder.reopen();
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

    /// Does what the engine asks for, and has the records that it has made written.
    pub(super) fn pump(&mut self) -> Result<()> {
        while let Some(request) = self.engine.poll_request() {
            self.carry_out(request);
        }
        while let Some(closed) = self.engine.poll_record() {
            self.recorder.record(&closed);
        }
        Ok(self.recorder.check()?)
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
                Some(retired) => self.retiring.push_back(retired),
                None => error!(slot, "a connection to be retired is not in the table"),
            },
            Request::ForgetReset(slot) => self.live.forget_reset(slot),
            Request::ForgetOutside(key) => self.live.forget_outside(&key),
        }
    }

    /// Whether there is something to wait a grace period for. Connections for whose records there
    /// is no room stay where they are.
    pub(super) fn begin_grace(&mut self) -> bool {
        let count = self.recorder.room().min(self.retiring.len());
        self.in_grace.extend(self.retiring.drain(..count));
        !self.in_grace.is_empty()
    }

    /// Reads the counters of the connections whose grace period is over. What is said of their
    /// translated addresses then is final, so a SYN whose event was lost is looked for before.
    pub(super) fn harvest(&mut self) -> Result<()> {
        if self.live.events_lost()? != self.outside_swept_at_loss {
            self.sweep_outside()?;
        }
        for retired in mem::take(&mut self.in_grace) {
            if let Some(event) = self.live.harvest(retired)? {
                self.engine.handle_event(event, clock::monotonic_ns());
            }
        }
        Ok(())
    }

    /// What is done from time to time: looks for losses to report, and, after events were lost,
    /// for what they spoke of.
    pub(super) fn look_around(&mut self) -> Result<()> {
        self.recorder.look_around();
        let ignored = self.live.ignored()?;
        self.losses.report(&ignored);
        self.engine.set_local_addresses(addresses::local());
        let events_lost = self.live.events_lost()?;
        if let Some(slots) = self.sweep.next(events_lost, self.live.slots()) {
            if slots.start == sweep::FIRST_SLOT {
                self.sweep_outside()?;
            }
            self.sweep_slots(slots);
        }
        Ok(())
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

    /// Whether connections wait for room for their records.
    pub(super) fn has_retiring(&self) -> bool {
        !self.retiring.is_empty()
    }

    /// Waits for such room. When there is none for too long, records are counted and not written.
    pub(super) async fn wait_for_room(&mut self) {
        self.recorder.wait_or_give_up().await;
    }

    /// Waits until all records are written.
    pub(super) async fn close(&mut self) -> Result<()> {
        self.losses.report(&self.live.ignored()?);
        debug!(stats = ?self.engine.stats(), "engine");
        self.write_rest().await
    }

    /// Waits until the records that were made are written.
    pub(super) async fn write_rest(&mut self) -> Result<()> {
        Ok(self.recorder.finish().await?)
    }
}
