//! Carries things between source, engine and recorder. All of it is synchronous: the loop decides
//! when.

mod figures;

use std::{collections::VecDeque, io, iter, os::fd::OwnedFd, sync::Arc};

use anyhow::{Context as _, Result};
use nat_acct_common::{flow::Retired, layout::OutsideKey};
use tokio::sync::Notify;
use tracing::{debug, error};

use super::{
    addresses,
    chronicle::{self, Chronicle},
    interfaces,
    left_out::LeftOut,
    losses::Losses,
    missed::Missed,
    outside::{Outside, Purpose},
    recorder::Recorder,
    sweep::{self, Part, Sweep},
    unknown::Unknown,
    unwritten::Unwritten,
};
use crate::{
    clock,
    engine::{Engine, Event, Request, Timeouts},
    record::{End, Stage},
    source::live::{FETCHED, Live, Occupancy, Side},
};

/// Events taken at a time, so that a flood of them does not hold up the rest.
const MAX_EVENTS: usize = 4096;
/// Connections harvested at a time, likewise.
const MAX_HARVEST: usize = 512;

pub(super) struct Driver {
    live: Live,
    engine: Engine,
    recorder: Recorder,
    losses: Losses,
    left_out: LeftOut,
    unknown: Unknown,
    /// Unlinked, but a program may still be at work on them.
    retiring: VecDeque<Retired>,
    /// To be harvested when the grace period that has begun is over.
    in_grace: Vec<Retired>,
    /// No program is at work on them any more.
    quiet: VecDeque<Retired>,
    unwritten: Unwritten,
    /// SYNs on the outside that are to be removed at once.
    forgotten: Vec<OutsideKey>,
    sweep: Sweep,
    outside: Outside,
    chronicle: Chronicle,
    missed: Missed,
}

impl Driver {
    pub(super) fn new(live: Live, engine: Engine, recorder: Recorder) -> Self {
        let missed = if live.is_adopted() {
            // What was there before this agent may have been missed by the one before.
            Missed::since(0)
        } else {
            Missed::since(clock::monotonic_ns())
        };
        Self {
            live,
            engine,
            recorder,
            losses: Losses::default(),
            left_out: LeftOut::default(),
            unknown: Unknown::default(),
            retiring: VecDeque::new(),
            in_grace: Vec::new(),
            quiet: VecDeque::new(),
            unwritten: Unwritten::default(),
            forgotten: Vec::new(),
            sweep: Sweep::default(),
            outside: Outside::default(),
            chronicle: Chronicle::begin(),
            missed,
        }
    }

    /// Takes in what there is already, if the maps were another agent's before.
    pub(super) fn catch_up(&mut self) -> Result<()> {
        self.engine.set_local_addresses(addresses::local());
        if self.live.is_adopted() {
            self.look_at_everything()?;
            self.chronicle.adopted = self.engine.stats().opened;
        }
        Ok(())
    }

    /// Sets when connections end from now on, also those that are open.
    pub(super) fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.engine.set_timeouts(timeouts);
        self.sweep.want();
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
        self.count_due()?;
        while self.carry_out_some() {}
        // What was looked at may be due now.
        self.count_due()?;
        self.hand_over()?;
        self.recorder.write();
        self.recorder.check()?;
        self.release()
    }

    /// Has the engine make records of connections that go on, as far as there is room.
    fn count_due(&mut self) -> Result<()> {
        for _ in 0..self.recorder.interim_room() {
            let Some(slot) = self.engine.poll_due() else {
                break;
            };
            if let Some(event) = self.live.count(slot) {
                self.engine.handle_event(event, clock::monotonic_ns());
            }
            self.hand_over()?;
        }
        Ok(())
    }

    /// Gives the recorder what the engine has made.
    fn hand_over(&mut self) -> Result<()> {
        while let Some(account) = self.engine.poll_record() {
            match account.stage {
                Stage::Started | Stage::Open => self.recorder.record_interim(&account),
                Stage::Ended(_) => {
                    let number = self.live.record_number(account.slot);
                    let number = number.context("a connection with a record has no place")?;
                    self.recorder.record(&account, number);
                }
            }
        }
        Ok(())
    }

    /// Lets go of what need not be kept for records that are written.
    fn release(&mut self) -> Result<()> {
        let written = self.recorder.written();
        let next_connection = || self.unwritten.next_connection(written);
        // Not kept if the call fails: others may have their places then.
        let finished: Vec<_> = iter::from_fn(next_connection).collect();
        self.live.release(&finished)?;
        let now_ns = clock::monotonic_ns();
        for Retired { slot, .. } in finished {
            self.engine.handle_event(Event::Released(slot), now_ns);
        }
        let next_sighting = || self.unwritten.next_sighting(written);
        self.forgotten.extend(iter::from_fn(next_sighting));
        self.live.forget_outside(&self.forgotten)?;
        self.forgotten.clear();
        Ok(())
    }

    /// Does what the engine asked for first; tells whether there was something.
    fn carry_out_some(&mut self) -> bool {
        let next_request = || self.engine.poll_request();
        let requests: Vec<_> = iter::from_fn(next_request).take(FETCHED).collect();
        self.live.fetch(requests.iter().filter_map(Request::slot));
        let now_ns = clock::monotonic_ns();
        let is_some = !requests.is_empty();
        for request in requests {
            self.carry_out(request, now_ns);
        }
        is_some
    }

    fn carry_out(&mut self, request: Request, now_ns: u64) {
        match request {
            Request::Look(slot) => {
                if let Some(facts) = self.live.facts(slot) {
                    self.engine.handle_event(Event::Seen(facts), now_ns);
                }
            }
            Request::Retire(slot) => match self.live.retire(slot) {
                Some(retired) => self.retiring.push_back(retired),
                None => error!(slot, "a connection to be retired is not in the table"),
            },
            Request::ForgetReset(slot) => self.live.forget_reset(slot),
            Request::NoteSharedIsn(slot) => self.live.note_shared_isn(slot),
            Request::ForgetOutside(key) => {
                self.unwritten.keep_sighting(key, self.recorder.made());
            }
        }
    }

    /// Whether there is something to wait a grace period for. Connections for whose records there
    /// is no room stay where they are.
    pub(super) fn begin_grace(&mut self) -> bool {
        let room = self.recorder.room().saturating_sub(self.quiet.len());
        let count = room.min(self.retiring.len());
        self.in_grace.extend(self.retiring.drain(..count));
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
        let events_lost = self.live.events_lost()?;
        let ready = self.outside.ready(events_lost, self.quiet.len());
        if ready == 0 {
            if !self.outside.is_under_way() {
                self.begin_looking_outside(Purpose::Harvest, events_lost);
            }
            return self.look_outside();
        }
        for number in 0..ready.min(MAX_HARVEST) {
            if number.is_multiple_of(FETCHED) {
                self.live.fetch_retired(self.quiet.iter().take(FETCHED));
            }
            let Some(retired) = self.quiet.pop_front() else {
                break;
            };
            self.outside.harvested();
            if self.live.is_found(&retired) {
                self.retiring.extend(self.live.retire(retired.slot));
                continue;
            }
            if let Some(event) = self.live.harvest(&retired) {
                self.engine.handle_event(event, clock::monotonic_ns());
            }
            self.hand_over()?;
            self.unwritten
                .keep_connection(retired, self.recorder.made());
        }
        Ok(())
    }

    /// What is done from time to time: looks for losses to report, and, after events were lost,
    /// for what they spoke of.
    pub(super) fn look_around(&mut self) -> Result<()> {
        self.recorder.look_around();
        let ignored = self.live.ignored()?;
        self.losses.report(&ignored);
        self.left_out.report(self.engine.stats());
        self.unknown.look(&ignored);
        self.engine.set_local_addresses(addresses::local());
        self.tend_interfaces()?;
        self.begin_sweep_if_due()?;
        // One that has to wait for the loop to be idle goes on all the same.
        self.go_on_sweeping()?;
        let totals = chronicle::totals(self.engine.stats(), self.recorder.written(), &ignored);
        self.chronicle.history.note(clock::monotonic_ns(), totals);
        Ok(())
    }

    fn begin_sweep_if_due(&mut self) -> Result<()> {
        let events_lost = self.live.events_lost()?;
        if self.sweep.begin_if_due(events_lost, clock::monotonic_ns()) {
            self.begin_looking_outside(Purpose::Sweep, events_lost);
        }
        Ok(())
    }

    /// Whether there is something to be looked at for what events missed.
    pub(super) fn is_sweeping(&self) -> bool {
        self.sweep.part().is_some()
    }

    /// Looks at a part of it.
    pub(super) fn go_on_sweeping(&mut self) -> Result<()> {
        let from_ns = clock::monotonic_ns();
        let opened = self.engine.stats().opened;
        match self.sweep.part() {
            Some(Part::Outside) => self.look_outside()?,
            Some(Part::Slots(slots)) => self.sweep_slots(slots),
            None => return Ok(()),
        }
        self.chronicle.found_by_sweep += self.engine.stats().opened - opened;
        let took = (from_ns, clock::monotonic_ns());
        let is_outside_done = !self.outside.is_of_sweep();
        let is_over = self.sweep.go_on(took, self.live.slots(), is_outside_done);
        self.chronicle.sweeps += u64::from(is_over);
        Ok(())
    }

    /// What tells how much of the table is in use.
    pub(super) fn occupancy(&self) -> Occupancy {
        self.live.occupancy()
    }

    /// Sees to the interfaces; some may have come or gone, or not.
    pub(super) fn tend_interfaces(&mut self) -> Result<()> {
        let from_ns = clock::monotonic_ns();
        let changes = self.live.tend()?;
        let not_noted = self.live.outside_not_noted()?;
        let now_ns = clock::monotonic_ns();
        for inside in self.live.bypassed(Side::Inside) {
            self.engine.note_bypass(inside, now_ns);
        }
        let is_bypassed = self.live.bypassed(Side::Outside).next().is_some();
        let hidden_since_ns = self.live.hides_since_ns(Side::Outside);
        let missed_ns = self
            .missed
            .look(is_bypassed, hidden_since_ns, not_noted, from_ns..=now_ns);
        if let Some(missed_ns) = missed_ns {
            self.engine.note_outside_missed(missed_ns);
        }
        interfaces::report(&changes);
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

    fn begin_looking_outside(&mut self, purpose: Purpose, events_lost: u64) {
        self.outside.begin(purpose, events_lost, self.quiet.len());
    }

    /// Looks at a part of the SYNs on the outside, if that is under way.
    fn look_outside(&mut self) -> Result<()> {
        if !self.outside.is_under_way() {
            return Ok(());
        }
        let now_ns = clock::monotonic_ns();
        let (syns, next) = self.live.outside_syns(self.outside.position())?;
        let syns: Vec<_> = syns.collect();
        self.engine.handle_sightings(&syns, now_ns);
        self.outside.go_on(next);
        Ok(())
    }

    /// Looks at all that there is without a pause.
    fn look_at_everything(&mut self) -> Result<()> {
        self.sweep_slots(sweep::FIRST_SLOT..self.live.slots());
        let events_lost = self.live.events_lost()?;
        self.begin_looking_outside(Purpose::Sweep, events_lost);
        while self.outside.is_under_way() {
            self.look_outside()?;
        }
        Ok(())
    }

    /// Detaches the programs and ends all connections.
    pub(super) fn stop(&mut self, reason: End) -> Result<()> {
        self.live.detach();
        while !self.drain_events() {}
        self.look_at_everything()?;
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
        self.pump()?;
        let ignored = self.live.ignored()?;
        self.losses.report(&ignored);
        self.left_out.report(self.engine.stats());
        self.unknown.finish(&ignored);
        debug!(stats = ?self.engine.stats(), "engine");
        self.write_rest().await
    }

    /// Waits until the records that were made are written.
    pub(super) async fn write_rest(&mut self) -> Result<()> {
        let finished = self.recorder.finish().await;
        self.release()?;
        Ok(finished?)
    }
}
