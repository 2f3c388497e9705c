//! A source without a kernel: the same parser's segments through the same flow step, on tables in
//! ordinary memory.

mod table;

use nat_acct_common::{
    flow::{self, CoarseClock, Facts, Runtime as _, Table as _},
    layout::{Cause, IgnoredTotal, Sender},
    packet::Segment,
};

use self::table::MemoryTable;
use crate::engine::{self, Counted, Engine, Request};

/// The coarse clock is not used: the exact one costs nothing here.
const TICK_NS: u64 = 0;
/// The most connections at a time of a source that grows: as many as the agent can be given.
const MAX_CONNECTIONS: u32 = 1 << 24;

/// A source whose segments come from anywhere but the kernel.
pub struct MemorySource {
    table: MemoryTable,
}

impl MemorySource {
    /// A source for at most `max_connections` at a time.
    pub fn new(max_connections: u32, close_on_first_fin: bool) -> Self {
        Self {
            table: MemoryTable::new(max_connections, max_connections, close_on_first_fin),
        }
    }

    /// A source that takes as much memory as the connections at a time need.
    pub fn growing(close_on_first_fin: bool) -> Self {
        Self {
            table: MemoryTable::new(1024, MAX_CONNECTIONS, close_on_first_fin),
        }
    }

    /// A segment on the inside interface with this number, at `now_ns`.
    pub fn inside(&mut self, segment: &Segment, sender: Sender, interface: u32, now_ns: u64) {
        self.table.set_now(now_ns);
        self.table.make_room();
        // As programs do it with plain frames.
        if !flow::inside_at_once(&self.table, segment, sender, interface) {
            flow::inside(&self.table, segment, sender, interface);
        }
    }

    /// A segment on the outside interface with this number, at `now_ns`.
    pub fn outside(&mut self, segment: &Segment, sender: Sender, interface: u16, now_ns: u64) {
        self.table.set_now(now_ns);
        flow::outside(&self.table, segment, sender, interface);
    }

    /// Counts a packet that was not understood.
    pub fn ignore(&mut self, cause: Cause) {
        self.table.count(cause);
    }

    /// Hands all events to the engine, and does what it asks for.
    pub fn drive(&mut self, engine: &mut Engine, now_ns: u64) {
        engine.handle_timeout(now_ns);
        while let Some(event) = self.next_event() {
            engine.handle_event(event, now_ns);
        }
        loop {
            while let Some(slot) = engine.poll_due() {
                if let Some(event) = self.count(slot) {
                    engine.handle_event(event, now_ns);
                }
            }
            let Some(request) = engine.poll_request() else {
                break;
            };
            for event in self.carry_out(request).into_iter().flatten() {
                engine.handle_event(event, now_ns);
            }
        }
    }

    /// Whether there is something that the engine should hear of.
    #[inline]
    pub fn has_events(&self) -> bool {
        self.table.has_events()
    }

    /// How often each cause occurred.
    pub fn ignored(&self) -> Vec<(Cause, IgnoredTotal)> {
        let count = |cause| (cause, self.table.ignored(cause));
        Cause::ALL.into_iter().map(count).collect()
    }

    fn next_event(&mut self) -> Option<engine::Event> {
        loop {
            let event = self.table.next_event()?;
            if let Some(event) = super::heard(event, |slot| self.facts(slot)) {
                return Some(event);
            }
        }
    }

    fn carry_out(&mut self, request: Request) -> [Option<engine::Event>; 2] {
        match request {
            Request::Look(slot) => return [self.facts(slot).map(engine::Event::Seen), None],
            Request::Retire(slot) => {
                return [self.harvest(slot), Some(engine::Event::Released(slot))];
            }
            Request::ForgetReset(slot) => {
                if let Some(connection) = self.table.connection(slot) {
                    connection.forget_reset();
                }
            }
            Request::ForgetOutside(key) => self.table.forget_outside(&key),
            // No engine comes after this one.
            Request::NoteSharedIsn(_) => {}
        }
        [None, None]
    }

    fn facts(&self, slot: u32) -> Option<Facts> {
        let clock = CoarseClock {
            tick_ns: TICK_NS,
            now_ns: 0,
        };
        Facts::read(&self.table, slot, clock)
    }

    fn count(&self, slot: u32) -> Option<engine::Event> {
        let facts = self.facts(slot)?;
        let place = self.table.connection(slot)?.place_number.get();
        Some(engine::Event::Counted(Counted {
            facts,
            volumes: self.table.counters(place)?.volumes(),
            later_stream_bytes: facts.stream_bytes,
        }))
    }

    fn harvest(&mut self, slot: u32) -> Option<engine::Event> {
        let retired = flow::retire(&self.table, slot)?;
        let facts = self.facts(slot)?;
        let counters = self.table.counters(retired.place)?;
        let volumes = counters.volumes();
        flow::forget(&self.table, &retired);
        counters.clear();
        flow::release(&self.table, slot);
        Some(engine::Event::Harvested(facts, volumes))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use nat_acct_common::{
        layout::Owner,
        packet::{Vlan, flag},
    };

    use super::*;

    fn syn(source_port: u16) -> Segment {
        Segment {
            vlan: Vlan::NONE,
            source: IpAddr::from([192, 168, 17, 11]).into(),
            destination: IpAddr::from([203, 0, 113, 80]).into(),
            source_port,
            destination_port: 80,
            seq: 1,
            ack: 0,
            flags: flag::SYN,
            payload: 0,
            ip_bytes: 40,
            packets: 1,
        }
    }

    /// A program had found it before, and changes its path after that.
    #[test]
    fn one_that_is_found_again_is_retired_again() {
        let mut source = MemorySource::new(2, false);
        source.inside(&syn(1000), Sender::Client, 0, 1);
        let table = &source.table;
        let retired = flow::retire(table, 1).expect("the connection");
        assert!(!flow::is_found(table, &retired));
        let bucket = table.bucket(retired.place).expect("its bucket");
        bucket.set_owner(Owner::slow(1));
        assert!(flow::is_found(table, &retired));
        let retired = flow::retire(table, 1).expect("the connection");
        assert!(!flow::is_found(table, &retired));
    }

    #[test]
    fn what_a_killed_agent_forgot_is_released_once() {
        let mut source = MemorySource::new(2, false);
        source.inside(&syn(1000), Sender::Client, 0, 1);
        source.inside(&syn(1001), Sender::Client, 0, 1);
        let table = &source.table;
        let retired = flow::retire(table, 1).expect("the first connection");
        assert!(flow::forgotten(table, 1).is_none(), "it has its facts");
        flow::forget(table, &retired);
        let left = flow::forgotten(table, 1).expect("it was forgotten");
        assert_eq!((left.slot, left.place), (retired.slot, retired.place));
        assert!(flow::forgotten(table, 2).is_none(), "it goes on");
        flow::release(table, 1);
        assert!(flow::forgotten(table, 1).is_none(), "it was released");
        flow::release(table, 1);
        assert_eq!(table.take_slot(), Some(1));
        assert_eq!(table.take_slot(), None);
    }
}
