//! The flow step's tables in ordinary memory, and a source that works on them: the same parser's
//! segments through the same flow step as in the kernel, without a kernel.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque, hash_map::Entry},
};

use nat_acct_common::{
    flow::{self, Facts, Runtime, Table},
    layout::{
        Bucket, Cause, Connection, Counters, Event, EventKind, FlowKey, IgnoredTotal, OutsideKey,
        OutsideSyn, PerSender, Seed, Sender, Volume, WAYS,
    },
    packet::Segment,
};

use crate::engine::{self, Engine, Request};

/// A tick of the coarse clock.
const TICK_NS: u64 = 1_000_000;

/// A source whose segments come from anywhere but the kernel.
pub struct MemorySource {
    table: MemoryTable,
}

impl MemorySource {
    /// A source for at most `max_connections` at a time.
    pub fn new(max_connections: u32, close_on_first_fin: bool) -> Self {
        Self {
            table: MemoryTable::new(max_connections, close_on_first_fin),
        }
    }

    /// A segment on the inside interface `zone`, at `now_ns`.
    pub fn inside(&mut self, segment: &Segment, sender: Sender, zone: u32, now_ns: u64) {
        self.table.now_ns.set(now_ns);
        flow::inside(&self.table, segment, sender, zone);
    }

    /// A segment on the outside interface `zone`, at `now_ns`.
    pub fn outside(&mut self, segment: &Segment, sender: Sender, zone: u16, now_ns: u64) {
        self.table.now_ns.set(now_ns);
        flow::outside(&self.table, segment, sender, zone);
    }

    /// Counts a packet that was not understood.
    pub fn ignore(&mut self, cause: Cause) {
        self.table.count(cause, 0);
    }

    /// Hands all events to the engine, and does what it asks for.
    pub fn drive(&mut self, engine: &mut Engine, now_ns: u64) {
        engine.handle_timeout(now_ns);
        while let Some(event) = self.next_event() {
            engine.handle_event(event, now_ns);
        }
        while let Some(request) = engine.poll_request() {
            if let Some(event) = self.carry_out(request) {
                engine.handle_event(event, now_ns);
            }
        }
    }

    /// How often each cause occurred.
    pub fn ignored(&self) -> Vec<(Cause, IgnoredTotal)> {
        let count = |cause| self.table.ignored.borrow().get(&cause).copied();
        Cause::ALL
            .into_iter()
            .map(|cause| (cause, count(cause).unwrap_or_default()))
            .collect()
    }

    fn next_event(&mut self) -> Option<engine::Event> {
        loop {
            let event = self.table.events.borrow_mut().pop_front()?;
            if event.kind() == Some(EventKind::OutsideSyn) {
                let sighting = OutsideSyn {
                    first_ns: event.at_ns,
                    last_ns: event.at_ns,
                };
                return Some(engine::Event::OutsideSyn(event.outside, sighting));
            }
            if let Some(facts) = self.facts(event.slot) {
                return Some(engine::Event::Seen(facts));
            }
        }
    }

    fn carry_out(&mut self, request: Request) -> Option<engine::Event> {
        match request {
            Request::Look(slot) => self.facts(slot).map(engine::Event::Seen),
            Request::Retire(slot) => self.harvest(slot),
            Request::ForgetReset(slot) => {
                self.table.connection(slot)?.forget_reset();
                None
            }
            Request::ForgetOutside(key) => {
                self.table.outside_syns.borrow_mut().remove(&key);
                None
            }
        }
    }

    fn facts(&self, slot: u32) -> Option<Facts> {
        Facts::read(&self.table, slot, TICK_NS)
    }

    fn harvest(&mut self, slot: u32) -> Option<engine::Event> {
        let retired = flow::retire(&self.table, slot)?;
        let facts = flow::release(&self.table, retired, TICK_NS);
        let counters = self.table.counters.get_mut(slot as usize)?;
        let volumes: PerSender<Volume> = std::mem::take(counters).volumes();
        self.table.connection(slot)?.opened_ns.set(0);
        self.table.return_slot(slot);
        facts.map(|facts| engine::Event::Harvested(facts, volumes))
    }
}

struct MemoryTable {
    set_mask: u32,
    buckets: Vec<Bucket>,
    connections: Vec<Connection>,
    counters: Vec<Counters>,
    overflow: RefCell<HashMap<FlowKey, u32>>,
    free_slots: RefCell<VecDeque<u32>>,
    outside_syns: RefCell<HashMap<OutsideKey, OutsideSyn>>,
    max_outside_syns: usize,
    events: RefCell<VecDeque<Event>>,
    ignored: RefCell<HashMap<Cause, IgnoredTotal>>,
    now_ns: Cell<u64>,
    close_on_first_fin: bool,
}

impl MemoryTable {
    fn new(max_connections: u32, close_on_first_fin: bool) -> Self {
        let sets = (2 * max_connections).div_ceil(WAYS).next_power_of_two();
        Self {
            set_mask: sets - 1,
            buckets: defaults(sets * WAYS),
            connections: defaults(max_connections + 1),
            counters: defaults(max_connections + 1),
            overflow: RefCell::default(),
            free_slots: RefCell::new((1..=max_connections).collect()),
            outside_syns: RefCell::default(),
            max_outside_syns: max_connections as usize,
            events: RefCell::default(),
            ignored: RefCell::default(),
            now_ns: Cell::new(0),
            close_on_first_fin,
        }
    }
}

fn defaults<T: Default>(len: u32) -> Vec<T> {
    (0..len).map(|_| T::default()).collect()
}

impl Table for MemoryTable {
    /// No secret: whoever can write into this process's memory needs no collisions.
    fn seed(&self) -> Seed {
        Seed([1, 2, 3, 4, 5])
    }

    fn set_mask(&self) -> u32 {
        self.set_mask
    }

    fn bucket(&self, number: u32) -> Option<&Bucket> {
        self.buckets.get(number as usize)
    }

    fn overflow(&self, key: &FlowKey) -> Option<u32> {
        self.overflow.borrow().get(key).copied()
    }

    fn overflow_insert(&self, key: &FlowKey, slot: u32) -> bool {
        self.overflow.borrow_mut().insert(*key, slot);
        true
    }

    fn overflow_remove(&self, key: &FlowKey) {
        self.overflow.borrow_mut().remove(key);
    }

    fn lock(&self, _set: u32) -> bool {
        true
    }

    fn unlock(&self, _set: u32) {}

    fn connection(&self, slot: u32) -> Option<&Connection> {
        self.connections.get(slot as usize)
    }
}

impl Runtime for MemoryTable {
    fn take_slot(&self) -> Option<u32> {
        self.free_slots.borrow_mut().pop_front()
    }

    fn return_slot(&self, slot: u32) {
        self.free_slots.borrow_mut().push_back(slot);
    }

    fn counters(&self, slot: u32) -> Option<&Counters> {
        self.counters.get(slot as usize)
    }

    fn note_outside(&self, key: &OutsideKey, now_ns: u64) -> Result<(), Cause> {
        let mut syns = self.outside_syns.borrow_mut();
        let full = syns.len() >= self.max_outside_syns;
        match syns.entry(*key) {
            Entry::Occupied(known) => known.into_mut().last_ns = now_ns,
            Entry::Vacant(_) if full => return Err(Cause::OutsideFull),
            Entry::Vacant(vacant) => {
                vacant.insert(OutsideSyn {
                    first_ns: now_ns,
                    last_ns: now_ns,
                });
            }
        }
        Ok(())
    }

    fn emit(&self, event: &Event) {
        self.events.borrow_mut().push_back(*event);
    }

    fn count(&self, cause: Cause, payload_bytes: u32) {
        let mut ignored = self.ignored.borrow_mut();
        let total = ignored.entry(cause).or_default();
        total.packets += 1;
        total.payload_bytes += u64::from(payload_bytes);
    }

    fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }

    fn ticks(&self) -> u32 {
        (self.now_ns.get() / TICK_NS) as u32
    }

    fn closes_on_first_fin(&self) -> bool {
        self.close_on_first_fin
    }
}
