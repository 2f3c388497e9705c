//! The flow step's tables in ordinary memory. They may grow between two segments, up to a limit;
//! a connection may be in another place then, and keeps its slot.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque, hash_map::Entry},
    mem,
};

use nat_acct_common::{
    flow::{Runtime, Table},
    layout::{
        Bucket, Cause, Connection, Counters, Event, FlowKey, IgnoredTotal, OutsideKey, OutsideSyn,
        WAYS, buckets_for,
    },
};

/// The most slots that one segment takes, and the most spare places.
const SLOTS_A_SEGMENT: usize = 2;
/// Numbers of spare places begin here, so that the sets can grow.
const FIRST_SPARE: u32 = 1 << 31;

pub(super) struct MemoryTable {
    bucket_mask: u32,
    in_sets: Vec<Spot>,
    spare: Vec<Spot>,
    free_spares: RefCell<Vec<u32>>,
    connections: Vec<Connection>,
    overflow: RefCell<HashMap<FlowKey, u32>>,
    /// The last one that was freed is taken first: it is still in the cache.
    free_slots: RefCell<Vec<u32>>,
    max_connections: u32,
    outside_syns: RefCell<HashMap<OutsideKey, OutsideSyn>>,
    events: RefCell<VecDeque<Event>>,
    ignored: [Cell<IgnoredTotal>; Cause::ALL.len()],
    now_ns: Cell<u64>,
    close_on_first_fin: bool,
}

/// What is at a place.
#[derive(Default)]
struct Spot {
    bucket: Bucket,
    counters: Counters,
}

impl MemoryTable {
    /// A table with room for `connections`, which may grow to `max_connections`.
    pub(super) fn new(connections: u32, max_connections: u32, close_on_first_fin: bool) -> Self {
        let buckets = buckets_for(connections);
        Self {
            bucket_mask: buckets - 1,
            in_sets: defaults(buckets),
            spare: Vec::new(),
            free_spares: RefCell::default(),
            connections: defaults(connections + 1),
            overflow: RefCell::default(),
            free_slots: RefCell::new((1..=connections).rev().collect()),
            max_connections,
            outside_syns: RefCell::default(),
            events: RefCell::default(),
            ignored: Default::default(),
            now_ns: Cell::new(0),
            close_on_first_fin,
        }
    }

    #[inline]
    pub(super) fn set_now(&self, now_ns: u64) {
        self.now_ns.set(now_ns);
    }

    /// Sees to it that the next segment finds the slots and spare places that it may need.
    #[inline]
    pub(super) fn make_room(&mut self) {
        if self.free_slots.get_mut().len() < SLOTS_A_SEGMENT {
            self.grow();
        }
        while self.free_spares.get_mut().len() < SLOTS_A_SEGMENT {
            let place = FIRST_SPARE + self.spare.len() as u32;
            self.spare.push(Spot::default());
            self.free_spares.get_mut().push(place);
        }
    }

    #[inline]
    pub(super) fn has_events(&self) -> bool {
        !self.events.borrow().is_empty()
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.get_mut().pop_front()
    }

    pub(super) fn forget_outside(&mut self, key: &OutsideKey) {
        self.outside_syns.get_mut().remove(key);
    }

    pub(super) fn ignored(&self, cause: Cause) -> IgnoredTotal {
        self.ignored[cause as usize].get()
    }

    #[cold]
    fn grow(&mut self) {
        let slots = self.connections.len() as u32;
        let wanted = slots.saturating_mul(2).min(self.max_connections + 1);
        if wanted <= slots {
            return;
        }
        self.connections
            .resize_with(wanted as usize, Connection::default);
        // The numbers go up from the end, which is taken first.
        let new_slots = (slots..wanted).rev();
        self.free_slots.get_mut().splice(0..0, new_slots);
        let buckets = buckets_for(wanted);
        while self.bucket_mask + 1 < buckets {
            self.split_sets();
        }
    }

    /// Doubles the sets. A bucket goes to the set of its number or to its new twin, and keeps its
    /// way, so none is in another's place.
    fn split_sets(&mut self) {
        let buckets = 2 * (self.bucket_mask + 1);
        self.bucket_mask = buckets - 1;
        let old = mem::replace(&mut self.in_sets, defaults(buckets));
        for (place, spot) in old.into_iter().enumerate() {
            let slot = spot.bucket.owner().slot();
            if slot == 0 {
                continue;
            }
            let home = spot.bucket.key().hash(|word| self.seed(word)) & self.bucket_mask;
            let place = home / WAYS * WAYS + place as u32 % WAYS;
            self.connections[slot as usize].place_number.set(place);
            self.in_sets[place as usize] = spot;
        }
    }

    fn spot(&self, place: u32) -> Option<&Spot> {
        match place.checked_sub(FIRST_SPARE) {
            Some(number) => self.spare.get(number as usize),
            None => self.in_sets.get(place as usize),
        }
    }
}

fn defaults<T: Default>(len: u32) -> Vec<T> {
    (0..len).map(|_| T::default()).collect()
}

impl Table for MemoryTable {
    /// No secret, but the digits of pi: whoever can write a capture may waste the time of its reader.
    fn seed(&self, word: usize) -> [u64; 2] {
        const SEED: [[u64; 2]; FlowKey::WORDS] = [
            [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344],
            [0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89],
            [0x4528_21e6_38d0_1377, 0xbe54_66cf_34e9_0c6c],
            [0xc0ac_29b7_c97c_50dd, 0x3f84_d5b5_b547_0917],
            [0x9216_d5d9_8979_fb1b, 0xd131_0ba6_98df_b5ac],
        ];
        SEED[word]
    }

    fn bucket_mask(&self) -> u32 {
        self.bucket_mask
    }

    fn bucket(&self, place: u32) -> Option<&Bucket> {
        Some(&self.spot(place)?.bucket)
    }

    fn overflow(&self, key: &FlowKey) -> Option<u32> {
        self.overflow.borrow().get(key).copied()
    }

    fn overflow_insert(&self, key: &FlowKey, place: u32) -> bool {
        self.overflow.borrow_mut().insert(*key, place);
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
    const IS_EXACT: bool = true;

    fn take_slot(&self) -> Option<u32> {
        self.free_slots.borrow_mut().pop()
    }

    fn return_slot(&self, slot: u32) {
        self.free_slots.borrow_mut().push(slot);
    }

    fn take_spare(&self) -> Option<u32> {
        self.free_spares.borrow_mut().pop()
    }

    fn return_spare(&self, place: u32) {
        self.free_spares.borrow_mut().push(place);
    }

    /// A capture does not flood what grows with it.
    fn take_permit(&self) -> bool {
        true
    }

    fn return_permit(&self) {}

    fn counters(&self, place: u32) -> Option<&Counters> {
        Some(&self.spot(place)?.counters)
    }

    fn note_outside(&self, key: &OutsideKey, now_ns: u64) -> Result<(), Cause> {
        let mut syns = self.outside_syns.borrow_mut();
        let full = syns.len() >= self.max_connections as usize;
        match syns.entry(*key) {
            Entry::Occupied(known) => known.into_mut().last_ns = now_ns,
            Entry::Vacant(_) if full => return Err(Cause::OutsideFull),
            Entry::Vacant(vacant) => {
                vacant.insert(OutsideSyn::at(now_ns));
            }
        }
        Ok(())
    }

    fn emit(&self, event: &Event) {
        self.events.borrow_mut().push_back(*event);
    }

    fn count_packets(&self, cause: Cause, packets: u32, payload_bytes: u32) {
        let cell = &self.ignored[cause as usize];
        let mut total = cell.get();
        total.packets += u64::from(packets);
        total.payload_bytes += u64::from(payload_bytes);
        cell.set(total);
    }

    fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }

    fn ticks(&self) -> u32 {
        0
    }

    fn closes_on_first_fin(&self) -> bool {
        self.close_on_first_fin
    }
}
