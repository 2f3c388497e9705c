//! The maps, and the flow step's view of them. User space sets the sizes when it loads the
//! programs.

use aya_ebpf::{
    Global,
    bindings::{BPF_ANY, BPF_F_MMAPABLE, BPF_NOEXIST},
    helpers::{bpf_get_smp_processor_id, bpf_jiffies64, bpf_ktime_get_ns},
    macros::map,
    maps::{Array, HashMap, PerCpuArray, Queue, RingBuf, Stack},
};
use nat_acct_common::{
    flow::{self, Runtime, Table},
    layout::{
        Bucket, Cause, ClockPair, Connection, Counters, Event, FlowKey, Ignored, Instance,
        Interfaces, MAX_RELEASED, OutsideKey, OutsideSyn, ReleasedSlot,
    },
};

/// Secret of the hash: a [`Seed`](nat_acct_common::layout::Seed).
#[unsafe(no_mangle)]
static SEED: [Global<[u64; 2]>; FlowKey::WORDS] = [const { Global::new([0; 2]) }; FlowKey::WORDS];

/// Number of buckets in all sets less one.
#[unsafe(no_mangle)]
static BUCKET_MASK: Global<u32> = Global::new(0);

/// Number of places: buckets of all sets, and spare ones.
#[unsafe(no_mangle)]
static PLACES: Global<u32> = Global::new(0);

/// Whether the first FIN ends a connection.
#[unsafe(no_mangle)]
static CLOSE_ON_FIRST_FIN: Global<u8> = Global::new(0);

/// The flow table, and behind it the spare buckets.
#[map]
static FLOWS: Array<Bucket> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// In which spare place connections are that found their set full.
#[map]
static OVERFLOW: HashMap<FlowKey, u32> = HashMap::with_max_entries(1, 0);

/// The locks of the sets that are being changed.
#[map]
static LOCKS: HashMap<u32, u8> = HashMap::with_max_entries(1024, 0);

/// The facts of each connection, by slot.
#[map]
static CONNECTIONS: Array<Connection> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// The counters of each connection, by processor and place.
#[map]
static COUNTERS: Array<Counters> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// The free slots. The last one that was freed is taken first: it is still in the cache.
#[map]
static FREE_SLOTS: Stack<u32> = Stack::with_max_entries(1, 0);

/// The free spare places.
#[map]
static SPARES: Stack<u32> = Stack::with_max_entries(1, 0);

/// A permit for each opening that may wait for its answer.
#[map]
static PERMITS: Queue<u32> = Queue::with_max_entries(1, 0);

/// SYNs seen on the outside.
#[map]
static OUTSIDE_SYNS: HashMap<OutsideKey, OutsideSyn> = HashMap::with_max_entries(1, 0);

/// What user space should look at.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(4096, 0);

/// How often each [`Cause`] occurred.
#[map]
static IGNORED: PerCpuArray<Ignored> = PerCpuArray::with_max_entries(Cause::ALL.len() as u32, 0);

/// The interfaces of each side, where programs find them without a look-up.
static LISTED: [Interfaces; 2] = [const { Interfaces::new() }; 2];

/// The interfaces of each side, where user space finds them: globals are in a map that it cannot map. See
/// [`exchange_interfaces`].
#[map]
static INTERFACES: Array<Interfaces> = Array::with_max_entries(2, BPF_F_MMAPABLE);

/// What an agent has to know of maps that another made. The programs do not look at it.
#[map]
static INSTANCE: Array<Instance> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Both clocks at one moment.
#[map]
static CLOCKS: Array<ClockPair> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// The slots for [`release`].
#[map]
static RELEASED: Array<ReleasedSlot> = Array::with_max_entries(MAX_RELEASED, BPF_F_MMAPABLE);

/// Where each processor copies the front of a packet to.
#[map]
static FRONTS: PerCpuArray<Front> = PerCpuArray::with_max_entries(1, 0);

/// The front of a packet.
pub type Front = [u8; FRONT_BYTES as usize];
/// Enough for all headers: of Ethernet 14 bytes, three tags 12, IPv6 with extension headers of
/// common length, TCP at most 60.
pub const FRONT_BYTES: u32 = 512;

/// Element of [`INTERFACES`] and [`LISTED`] for the inside.
pub const INSIDE: usize = 0;
/// Element of both for the outside.
pub const OUTSIDE: usize = 1;

/// Tries to get a set's lock; it is held for less than a microsecond.
const LOCK_ATTEMPTS: u32 = 32;

#[inline(always)]
pub fn interfaces(side: usize) -> &'static Interfaces {
    &LISTED[side]
}

#[inline(always)]
pub fn front() -> Option<*mut Front> {
    FRONTS.get_ptr_mut(0)
}

pub fn exchange_interfaces() {
    for (side, listed) in (0..).zip(&LISTED) {
        if let Some(user_space) = INTERFACES.get(side) {
            listed.exchange(user_space);
        }
    }
}

pub fn compare_clocks() {
    if let Some(pair) = CLOCKS.get(0) {
        pair.set(MAPS.now_ns(), MAPS.ticks());
    }
}

pub fn release() {
    let slots = (0..MAX_RELEASED).map_while(|number| RELEASED.get(number)?.get());
    for slot in slots {
        flow::release(&MAPS, slot);
    }
}

/// Puts an element into the ring buffer; `false` when that is full.
#[inline(always)]
fn send<T: 'static>(element: T) -> bool {
    match EVENTS.reserve(0) {
        Some(mut entry) => {
            entry.write(element);
            entry.submit(0);
            true
        }
        None => false,
    }
}

/// The maps as the flow step sees them.
pub static MAPS: Maps = Maps;

/// See [`MAPS`].
pub struct Maps;

impl Table for Maps {
    #[inline(always)]
    fn seed(&self, word: usize) -> [u64; 2] {
        SEED[word].load()
    }

    #[inline(always)]
    fn bucket_mask(&self) -> u32 {
        BUCKET_MASK.load()
    }

    #[inline(always)]
    fn bucket(&self, place: u32) -> Option<&Bucket> {
        FLOWS.get(place)
    }

    #[inline(always)]
    fn overflow(&self, key: &FlowKey) -> Option<u32> {
        // SAFETY: the value is copied at once; one that is being replaced is old or new.
        unsafe { OVERFLOW.get(key) }.copied()
    }

    #[inline(always)]
    fn overflow_insert(&self, key: &FlowKey, place: u32) -> bool {
        OVERFLOW.insert(key, place, BPF_ANY.into()).is_ok()
    }

    #[inline(always)]
    fn overflow_remove(&self, key: &FlowKey) {
        // An element that is gone is what was wanted.
        let _ = OVERFLOW.remove(key);
    }

    #[inline(always)]
    fn lock(&self, set: u32) -> bool {
        for _ in 0..LOCK_ATTEMPTS {
            if LOCKS.insert(set, 1, BPF_NOEXIST.into()).is_ok() {
                return true;
            }
        }
        false
    }

    #[inline(always)]
    fn unlock(&self, set: u32) {
        // Only the holder removes the element, so it is there.
        let _ = LOCKS.remove(set);
    }

    #[inline(always)]
    fn connection(&self, slot: u32) -> Option<&Connection> {
        CONNECTIONS.get(slot)
    }
}

impl Runtime for Maps {
    #[inline(always)]
    fn take_slot(&self) -> Option<u32> {
        FREE_SLOTS.pop().ok().flatten()
    }

    #[inline(always)]
    fn return_slot(&self, slot: u32) {
        // There is room for all slots.
        let _ = FREE_SLOTS.push(slot, 0);
    }

    #[inline(always)]
    fn take_spare(&self) -> Option<u32> {
        SPARES.pop().ok().flatten()
    }

    #[inline(always)]
    fn return_spare(&self, place: u32) {
        // There is room for all of them.
        let _ = SPARES.push(place, 0);
    }

    #[inline(always)]
    fn take_permit(&self) -> bool {
        matches!(PERMITS.pop(), Ok(Some(_)))
    }

    #[inline(always)]
    fn return_permit(&self) {
        // If two processors return the same one, there is no room for the second in the end.
        let _ = PERMITS.push(1, 0);
    }

    #[inline(always)]
    fn counters(&self, place: u32) -> Option<&Counters> {
        // SAFETY: the helper has no precondition.
        let processor = unsafe { bpf_get_smp_processor_id() };
        COUNTERS.get(Counters::index(processor, PLACES.load(), place))
    }

    #[inline(always)]
    fn note_outside(&self, key: &OutsideKey, now_ns: u64) -> Result<(), Cause> {
        let mut sighting = OutsideSyn::at(now_ns);
        if OUTSIDE_SYNS
            .insert(key, sighting, BPF_NOEXIST.into())
            .is_ok()
        {
            return Ok(());
        }
        // A retransmission, or there is no room.
        // SAFETY: user space removes an element only when its connection is over.
        if let Some(known) = unsafe { OUTSIDE_SYNS.get(key) } {
            sighting.first_ns = known.first_ns;
        }
        OUTSIDE_SYNS
            .insert(key, sighting, BPF_ANY.into())
            .map_err(|_| Cause::OutsideFull)
    }

    #[inline(always)]
    fn emit(&self, event: &Event) {
        let is_sent = match event {
            Event::Connection(event) => send(*event),
            Event::Outside(event) => send(*event),
        };
        if !is_sent {
            self.count(Cause::EventLost);
        }
    }

    #[inline(always)]
    fn count_packets(&self, cause: Cause, packets: u32, payload_bytes: u32) {
        if let Some(ignored) = IGNORED.get(cause as u32) {
            ignored.add(packets, payload_bytes);
        }
    }

    #[inline(always)]
    fn now_ns(&self) -> u64 {
        // SAFETY: the helper has no precondition.
        unsafe { bpf_ktime_get_ns() }
    }

    #[inline(always)]
    fn ticks(&self) -> u32 {
        // SAFETY: the helper has no precondition.
        unsafe { bpf_jiffies64() as u32 }
    }

    #[inline(always)]
    fn closes_on_first_fin(&self) -> bool {
        CLOSE_ON_FIRST_FIN.load() != 0
    }
}
