//! The engine: from what was seen of connections to their records. A state machine without IO and
//! without a clock: a source hands in [`Event`]s and carries out [`Request`]s, and time is an
//! argument, in nanoseconds of the source's clock.
//!
//! What a segment does to a connection is decided before (`nat_acct_common::flow`). Here it is
//! decided which SYN on the outside belongs to which opening ([`matching`]), when a connection is
//! over ([`lifetime`]), when a record is due before that ([`interim`]), and what records say
//! ([`summary`]).

mod interim;
mod lifetime;
mod matching;
mod stats;
mod summary;
mod timers;
mod tracked;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::ops::RangeInclusive;

use nat_acct_common::{
    flow::Facts,
    layout::{OutsideKey, OutsideSyn, PerSender, Volume},
};

pub use self::{interim::Interim, lifetime::Timeouts, stats::Stats};
use self::{
    matching::Matcher,
    timers::Timers,
    tracked::{Stage, Tracked},
};
use crate::record::{Account, End, Match, Stage as RecordStage};

/// What a source tells the engine.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The state of a connection, because something happened to it, or because the engine asked.
    Seen(Facts),
    /// A SYN on the outside, for the first time or again.
    OutsideSyn(OutsideKey, OutsideSyn),
    /// What was counted until now for a connection of which a record is due, though it goes on.
    Counted(Counted),
    /// The final state of a connection that the engine wanted retired.
    Harvested(Facts, PerSender<Volume>),
    /// The connection that was harvested from this slot is gone, and the slot may have another.
    Released(u32),
}

/// The state of a connection that goes on.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Its facts, read before its counters.
    pub facts: Facts,
    /// Its counters.
    pub volumes: PerSender<Volume>,
    /// [`Facts::stream_bytes`], read again after the counters.
    pub later_stream_bytes: PerSender<Option<u64>>,
}

/// What the engine wants a source to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Answer with [`Event::Seen`] for the connection in this slot.
    Look(u32),
    /// Take the connection in this slot out, and answer with [`Event::Harvested`].
    Retire(u32),
    /// Forget that the connection in this slot has seen an RST: it goes on.
    ForgetReset(u32),
    /// Note in the facts of the connection in this slot that its ISN is shared, for an engine that
    /// comes after this one.
    NoteSharedIsn(u32),
    /// Forget a SYN on the outside.
    ForgetOutside(OutsideKey),
}

impl Request {
    /// The slot of the connection that it is about; none on the outside.
    pub const fn slot(&self) -> Option<u32> {
        match *self {
            Self::Look(slot)
            | Self::Retire(slot)
            | Self::ForgetReset(slot)
            | Self::NoteSharedIsn(slot) => Some(slot),
            Self::ForgetOutside(_) => None,
        }
    }
}

const SECOND_NS: u64 = 1_000_000_000;
/// The least time between two looks at a connection that only time can end.
const LOOK_PAUSE_NS: u64 = 10_000_000;
/// SYNs on the outside of which it waits at a time for what is known of them.
const FETCHED: usize = 64;

/// The state machine. See the module's description.
#[derive(Default)]
pub struct Engine {
    timeouts: Timeouts,
    interim: Interim,
    connections: Tracked,
    matcher: Matcher,
    timers: Timers,
    stopped: Option<End>,
    /// When packets last went past an inside interface, by its number.
    bypassed_ns: BTreeMap<usize, u64>,
    requests: VecDeque<Request>,
    /// Slots of connections that go on, of which a record is due.
    due: VecDeque<u32>,
    records: VecDeque<Account>,
    stats: Stats,
}

impl Engine {
    /// An engine that knows no connections.
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            ..Self::default()
        }
    }

    /// Sets aside room for so many connections at a time, which takes no memory before it is used. What
    /// grows later is moved, and leaves holes.
    pub fn reserve(&mut self, connections: usize) {
        self.connections.reserve(connections);
        self.matcher.reserve(connections);
        self.timers.reserve(connections);
    }

    /// Sets when connections end from now on. Those that are open have to be [`Event::Seen`] again.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// Tells the engine of which connections that go on records are wanted. Those that are open have to
    /// be [`Event::Seen`] again.
    pub fn set_interim(&mut self, interim: Interim) {
        self.interim = interim;
    }

    /// Tells the engine the gateway's own addresses, which tell a connection to the gateway from
    /// one that it blocked.
    pub fn set_local_addresses(&mut self, addresses: BTreeSet<IpAddr>) {
        self.matcher.set_local_addresses(addresses);
    }

    /// Tells the engine how far the clocks of inside and outside may be apart, either way: within
    /// that, the order of the packets proves nothing.
    pub fn set_clock_slack(&mut self, slack_ns: u64) {
        self.matcher.set_clock_slack(slack_ns);
    }

    /// Tells the engine that the outside was not seen or not wholly: that no SYN was seen there
    /// says nothing.
    pub fn set_outside_incomplete(&mut self) {
        self.matcher.set_outside_incomplete();
    }

    /// Tells the engine that at `now_ns` packets may go past the inside interface with this number unseen:
    /// of a connection that is open then, only FINs prove that its counts are whole.
    pub fn note_bypass(&mut self, inside: usize, now_ns: u64) {
        self.bypassed_ns.insert(inside, now_ns);
    }

    /// Tells the engine that SYNs on the outside may have been missed at this time: that none was seen then
    /// says nothing.
    pub fn note_outside_missed(&mut self, missed_ns: RangeInclusive<u64>) {
        self.matcher.note_outside_missed(missed_ns);
    }

    /// Takes in what happened until `now_ns`.
    pub fn handle_event(&mut self, event: Event, now_ns: u64) {
        match &event {
            Event::Seen(facts) => self.seen(facts, now_ns),
            Event::OutsideSyn(key, sighting) => {
                if let Some(expires_ns) = self.matcher.sighted(*key, *sighting, now_ns) {
                    self.timers.set_orphans(expires_ns);
                }
                if self.interim.starts {
                    self.may_be_known(key);
                }
            }
            Event::Counted(counted) => self.counted(counted),
            Event::Harvested(facts, volumes) => self.harvested(facts, *volumes),
            Event::Released(slot) => {
                self.connections.end(*slot);
                self.timers.stop(*slot);
            }
        }
    }

    /// Notes many SYNs seen on the outside, most of which are known already.
    pub fn handle_sightings(&mut self, sightings: &[(OutsideKey, OutsideSyn)], now_ns: u64) {
        for part in sightings.chunks(FETCHED) {
            self.matcher.fetch(part.iter().map(|(key, _)| key));
            for &(key, sighting) in part {
                self.handle_event(Event::OutsideSyn(key, sighting), now_ns);
            }
        }
    }

    /// Does what is due at `now_ns`.
    pub fn handle_timeout(&mut self, now_ns: u64) {
        while let Some(slot) = self.timers.pop_due(now_ns) {
            if self.connections.stage(slot) == Some(Stage::Open) {
                self.requests.push_back(Request::Look(slot));
            }
        }
        if self.timers.orphans_due(now_ns) {
            self.stats.outside_unmatched += self.matcher.expire_orphans(now_ns) as u64;
            self.forget_sightings();
            if let Some(expires_ns) = self.matcher.next_orphan() {
                self.timers.set_orphans(expires_ns);
            }
        }
    }

    /// When [`Self::handle_timeout`] should be called next.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.timers.next()
    }

    /// The next thing that the source should do.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// The slot of a connection of which a record is due, though it goes on: when there is room for
    /// the record, the engine should hear of the connection by [`Event::Counted`].
    pub fn poll_due(&mut self) -> Option<u32> {
        loop {
            let slot = self.due.pop_front()?;
            let told = self.connections.told(slot);
            if told.is_some_and(|told| told.is_due()) {
                return Some(slot);
            }
        }
    }

    /// The next record.
    pub fn poll_record(&mut self) -> Option<Account> {
        self.records.pop_front()
    }

    /// Ends all connections; those that are still open end for `reason`.
    pub fn stop(&mut self, reason: End) {
        self.stopped = Some(reason);
        self.requests
            .extend(self.matcher.unsettled().map(Request::Look));
        for slot in self.connections.retire_all() {
            self.requests.push_back(Request::Retire(slot));
        }
    }

    /// Connections that have no record yet.
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }

    /// What the engine has counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn seen(&mut self, facts: &Facts, now_ns: u64) {
        if self.connections.begin(facts) {
            self.stats.opened += 1;
            self.matcher.opened(facts, |slot| {
                self.requests.push_back(Request::NoteSharedIsn(slot));
            });
        }
        self.matcher.answered(facts);
        let interim_ns = self.note_interim(facts, now_ns).unwrap_or(u64::MAX);
        if self.connections.stage(facts.slot) != Some(Stage::Open) {
            return;
        }
        if facts.rst_ns.is_some() && facts.rst_refuted {
            self.stats.resets_refuted += 1;
            self.requests.push_back(Request::ForgetReset(facts.slot));
        }
        let over_ns = lifetime::over_ns(facts, &self.timeouts);
        if over_ns <= now_ns || self.stopped.is_some() {
            return self.retire(facts);
        }
        let look_ns = lifetime::look_ns(facts, over_ns, &self.timeouts).min(interim_ns);
        let look_ns = look_ns.max(now_ns + LOOK_PAUSE_NS);
        self.timers.set(facts.slot, look_ns);
    }

    /// A SYN on the outside may have made translated addresses known, or others than before.
    fn may_be_known(&mut self, outside: &OutsideKey) {
        let owners = self.matcher.owners(outside);
        for slot in owners.slots {
            if let Some(told) = self.connections.told(slot).filter(|_| owners.may_differ) {
                told.forget_start();
            }
            self.requests.push_back(Request::Look(slot));
        }
    }

    /// Finds out whether a record is due though the connection goes on; tells when to look again.
    fn note_interim(&mut self, facts: &Facts, now_ns: u64) -> Option<u64> {
        if self.interim.is_none() || self.connections.stage(facts.slot)? == Stage::Settled {
            return None;
        }
        let told = self.connections.told(facts.slot)?;
        let was_due = told.is_due();
        if told.wants_start(&self.interim) {
            let mapping = self.matcher.mapping(facts);
            if mapping.translated.is_some() {
                told.note_start();
            }
            if mapping.matched == Match::Hairpin {
                // What proves this half proves the other.
                let other = self.matcher.related(facts);
                self.requests.extend(other.into_iter().map(Request::Look));
            }
        }
        let age_ns = now_ns.saturating_sub(facts.opened_ns);
        told.note_age(&self.interim, age_ns);
        if told.is_due() && !was_due {
            self.due.push_back(facts.slot);
        }
        let look_age_ns = told.next_look_age_ns(&self.interim, age_ns)?;
        Some(facts.opened_ns.saturating_add(look_age_ns))
    }

    /// Makes the records that are due of a connection that goes on.
    fn counted(&mut self, counted: &Counted) {
        let facts = &counted.facts;
        let Some(told) = self.connections.told(facts.slot) else {
            return;
        };
        let mapping = self.matcher.mapping(facts);
        let address_is_known = mapping.translated.is_some();
        if told.start_is_due() && address_is_known {
            self.records.push_back(summary::of_start(facts, &mapping));
        }
        if told.update_is_due() {
            let mut account = summary::of_open(counted, &mapping);
            account.partial |= is_bypassed(facts, &self.bypassed_ns);
            self.records.push_back(account);
        }
        told.tell(address_is_known);
    }

    /// Has a connection taken out, after a look at those that tell who it was.
    fn retire(&mut self, facts: &Facts) {
        let related = self.matcher.related(facts);
        self.requests.extend(related.into_iter().map(Request::Look));
        self.connections.set_stage(facts.slot, Stage::Retiring);
        self.requests.push_back(Request::Retire(facts.slot));
    }

    fn forget_sightings(&mut self) {
        for sighting in self.matcher.forgotten() {
            self.requests.push_back(Request::ForgetOutside(sighting));
        }
    }

    fn harvested(&mut self, facts: &Facts, volumes: PerSender<Volume>) {
        let mapping = self.matcher.close(facts);
        self.forget_sightings();
        self.connections.set_stage(facts.slot, Stage::Settled);
        if let Some(told) = self.connections.told(facts.slot) {
            self.stats.starts_left_out += u64::from(told.start_is_due());
            self.stats.updates_left_out += u64::from(told.update_is_due());
            told.tell(true);
        }
        if facts.is_stray() {
            self.stats.stray_openings += 1;
            return;
        }
        let end = lifetime::reason(facts, &self.timeouts, self.stopped);
        let mut account = summary::of(facts, volumes, &mapping, RecordStage::Ended(end));
        account.partial |= is_bypassed(facts, &self.bypassed_ns);
        self.stats.count(end, &account);
        self.records.push_back(account);
    }
}

/// Whether packets may have gone past the inside unseen, and nothing proves that none did.
fn is_bypassed(facts: &Facts, bypassed_ns: &BTreeMap<usize, u64>) -> bool {
    let bypassed_ns = bypassed_ns.get(&facts.key.zone.interface());
    bypassed_ns.is_some_and(|bypassed_ns| facts.opened_ns <= *bypassed_ns) && !facts.has_both_fins()
}
