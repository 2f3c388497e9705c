//! The running gateway as a source: loads and attaches the programs, drains the ring buffer, reads
//! the maps. It knows the kernel and nothing of records.

mod attach;
mod batch;
mod bpf;
mod by_hand;
mod change;
mod clock;
mod counters;
mod event;
mod flowtables;
pub mod grace;
mod hidden;
mod inherited;
mod legacy;
mod links;
mod load;
mod mapped;
mod occupancy;
mod pins;
mod places;
mod predecessor;
mod programs;
mod release;
mod ring;
mod state;
mod status;
mod table;
mod watch;
mod watched;

use std::os::fd::OwnedFd;

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{MapData, PerCpuArray, Queue, Stack},
};
use nat_acct_common::{
    flow::{self, CoarseClock, Facts, Retired, Table},
    layout::{Cause, IgnoredTotal, OutsideKey, OutsideSyn, Seed},
};

use self::{
    attach::Owner,
    batch::{Batches, batches},
    counters::AllCounters,
    legacy::Legacy,
    release::Releases,
    ring::Ring,
    table::{KernelTable, take},
    watch::Watch,
};
pub use self::{
    attach::{Hook, Side},
    batch::Cursor,
    change::{Change, What},
    inherited::{Inherited, Remains},
    load::Settings,
    occupancy::{Occupancy, Occupied},
    pins::Pins,
    places::Places,
    predecessor::Predecessor,
    state::InterfaceState,
    status::Status,
};
use crate::engine;

/// Connections for whose memory is waited at a time.
pub const FETCHED: usize = 64;

/// The programs in the kernel, and their maps.
pub struct Live {
    ebpf: Ebpf,
    table: KernelTable,
    counters: AllCounters,
    releases: Releases,
    outside_syns: Batches<OutsideKey, OutsideSyn>,
    ignored: PerCpuArray<MapData, IgnoredTotal>,
    legacy: Legacy,
    ring: Ring,
    tick_ns: u64,
    slots: u32,
    permits_in_all: u32,
    is_adopted: bool,
    watch: Watch,
}

impl Live {
    /// Loads the programs, with the maps that live on in `pins`, if there are some. Nothing is
    /// attached yet.
    ///
    /// # Errors
    ///
    /// When the kernel refuses, for lack of privilege or of a feature; or when the maps in `pins`
    /// cannot be taken. Whether they fit these settings was seen to before, by
    /// [`Predecessor::fits`].
    pub fn load(settings: &Settings, pins: Option<Pins>) -> Result<Self> {
        let predecessor = pins.as_ref().map(Pins::instance).transpose()?.flatten();
        let predecessor = predecessor.as_ref().and_then(|instance| instance.get(0));
        let seed = match predecessor {
            Some(instance) => instance.seed(),
            None => random_seed()?,
        };
        let mut ebpf = load::load(settings, seed, pins.as_ref())?;
        let tick_ns = clock::tick_ns(&mut ebpf)?;
        let owner = match predecessor {
            Some(instance) => Owner::succeed(instance.filter_handle.get() as u32)?,
            None => Owner::new(pins.is_some())?,
        };
        let mut live = Self {
            table: KernelTable::new(&mut ebpf, settings, seed)?,
            releases: Releases::of(&ebpf)?,
            outside_syns: batches(&ebpf, "OUTSIDE_SYNS")?,
            counters: AllCounters::of(&ebpf, settings.places())?,
            ignored: PerCpuArray::try_from(take(&mut ebpf, "IGNORED")?)?,
            legacy: Legacy::of(&ebpf)?,
            watch: Watch::new(&ebpf, owner, pins)?,
            ring: Ring::of(&mut ebpf)?,
            slots: settings.slots(),
            permits_in_all: settings.permits(),
            is_adopted: predecessor.is_some(),
            tick_ns,
            ebpf,
        };
        if live.is_adopted {
            live.adopt()?;
        } else {
            live.fill(settings, seed)?;
        }
        Ok(live)
    }

    /// Mends what a killed agent may have left half done.
    fn adopt(&mut self) -> Result<()> {
        self.table.free_locks();
        let connections = (1..self.slots).filter_map(|slot| self.table.connection(slot));
        self.legacy.resume(connections);
        let forgotten = (1..self.slots).filter_map(|slot| flow::forgotten(&self.table, slot));
        self.release(&forgotten.collect::<Vec<_>>())
    }

    /// Writes what the programs and later agents need into new maps.
    fn fill(&mut self, settings: &Settings, seed: Seed) -> Result<()> {
        // The last one is taken first.
        let mut free_slots: Stack<_, u32> = Stack::try_from(take(&mut self.ebpf, "FREE_SLOTS")?)?;
        for slot in (1..settings.slots()).rev() {
            let pushed = free_slots.push(slot, 0);
            pushed.context("cannot fill FREE_SLOTS")?;
        }
        let mut spares: Stack<_, u32> = Stack::try_from(take(&mut self.ebpf, "SPARES")?)?;
        for place in (settings.buckets()..settings.places()).rev() {
            spares.push(place, 0).context("cannot fill SPARES")?;
        }
        let mut permits: Queue<_, u32> = Queue::try_from(take(&mut self.ebpf, "PERMITS")?)?;
        for _ in 0..settings.permits() {
            permits.push(1, 0).context("cannot fill PERMITS")?;
        }
        let filter_handle = self.watch.owner().handle();
        self.legacy.begin(settings, seed, filter_handle)
    }

    /// What tells the maps from others of this boot, also when the next agent has them.
    pub fn number(&self) -> u32 {
        self.watch.owner().handle()
    }

    /// Whether the maps were another agent's before.
    pub fn is_adopted(&self) -> bool {
        self.is_adopted
    }

    /// Attaches the programs, to the hook that is wanted or else the best, and says to which.
    ///
    /// # Errors
    ///
    /// When an interface does not exist or is on top of another, or the kernel refuses.
    pub fn attach(&mut self, places: &Places) -> Result<Vec<Change>> {
        self.legacy.publish(places);
        self.watch.attach(&mut self.ebpf, places)
    }

    /// Attaches the programs where that is possible: an interface that is gone may come back.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell which interfaces there are.
    pub fn attach_again(&mut self, places: &Places) -> Result<Vec<Change>> {
        self.legacy.publish(places);
        self.watch.attach_again(&mut self.ebpf, places)
    }

    /// Looks at the interfaces again, after some have come or gone.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell which there are.
    pub fn read_links(&mut self) -> Result<()> {
        self.watch.read_links()
    }

    /// Attaches what is missing on the interfaces that are there, and tells what has happened to
    /// them since the last call.
    ///
    /// # Errors
    ///
    /// When a map does not fit the programs, or the kernel does not run one of them.
    pub fn tend(&mut self) -> Result<Vec<Change>> {
        self.watch.tend(&mut self.ebpf)
    }

    /// The numbers of the interfaces on this side that packets go past, as far as the last
    /// [`Self::tend`] has found out, or may have gone past until then.
    pub fn bypassed(&self, side: Side) -> impl Iterator<Item = usize> {
        self.watch.bypassed(side)
    }

    /// If packets are hidden on this side: the time before which programs saw all, in nanoseconds of the
    /// monotonic clock. It took some looks to be sure.
    pub fn hides_since_ns(&self, side: Side) -> Option<u64> {
        self.watch.hides_since_ns(side)
    }

    /// How it stands with each interface, those on the outside first.
    pub fn interfaces(&self) -> Vec<InterfaceState> {
        self.watch.states()
    }

    /// What tells how much of the table is in use.
    pub fn occupancy(&self) -> Occupancy {
        Occupancy::new(self.table.connections(), self.slots)
    }

    /// Connections that may wait for an answer at a time.
    pub fn half_open_limit(&self) -> u32 {
        self.permits_in_all
    }

    /// When the tables were made, in nanoseconds of the monotonic clock.
    pub fn made_ns(&self) -> u64 {
        self.legacy.made_ns()
    }

    /// Stops counting: the programs are detached, those on the inside first, and the maps stay.
    pub fn detach(&mut self) {
        self.watch.detach();
    }

    /// Whether programs and maps live on when this is dropped.
    pub fn lives_on(&self) -> bool {
        self.watch.pins().is_some()
    }

    /// Removes what would live on.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn unpin(&self) -> Result<()> {
        match self.watch.pins() {
            Some(pins) => pins.remove().context("cannot remove what was pinned"),
            None => Ok(()),
        }
    }

    /// Nanoseconds of a tick of the coarse clock.
    pub fn tick_ns(&self) -> u64 {
        self.tick_ns
    }

    /// The object, for what the programs log and for test runs of them.
    pub fn ebpf(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    /// What becomes readable when there are events.
    ///
    /// # Errors
    ///
    /// When there are too many open files.
    pub fn events_fd(&self) -> std::io::Result<OwnedFd> {
        self.ring.fd()
    }

    /// The next event of the ring buffer, as the engine wants it.
    pub fn next_event(&mut self) -> Option<engine::Event> {
        loop {
            let event = self.ring.next(&self.table)?;
            if let Some(event) = super::heard(event, |slot| self.facts(slot)) {
                return Some(event);
            }
        }
    }

    /// Has the processor fetch what is known of the connections in `slots`, before it is asked for one
    /// by one. At most [`FETCHED`] at a time are worth it.
    pub fn fetch(&self, slots: impl Iterator<Item = u32>) {
        self.table.fetch(slots);
    }

    /// The same, and what was counted, of connections that are to be harvested.
    pub fn fetch_retired<'a>(&self, retired: impl Iterator<Item = &'a Retired>) {
        self.table.fetch(retired.map(|retired| {
            self.counters.fetch(retired.place);
            retired.slot
        }));
    }

    /// What is known of the connection in `slot`, if there is one.
    pub fn facts(&self, slot: u32) -> Option<Facts> {
        let clock = CoarseClock {
            tick_ns: self.tick_ns,
            now_ns: crate::clock::monotonic_coarse_ns(),
        };
        Facts::read(&self.table, slot, clock)
    }

    /// Reads what is known of a connection that goes on, and what was counted.
    pub fn count(&self, slot: u32) -> Option<engine::Event> {
        let facts = self.facts(slot)?;
        let place = self.table.connection(slot)?.place_number.get();
        let volumes = self.counters.total(place);
        let later = self.facts(slot).unwrap_or(facts);
        Some(engine::Event::Counted(engine::Counted {
            facts,
            volumes,
            later_stream_bytes: later.stream_bytes,
        }))
    }

    /// Unlinks a connection. After [`grace::wait`], [`Self::harvest`] it.
    pub fn retire(&self, slot: u32) -> Option<Retired> {
        flow::retire(&self.table, slot)
    }

    /// Whether a program has brought a retired connection back, because it had seen it before: then its
    /// counts may still grow, and it has to be retired again.
    pub fn is_found(&self, retired: &Retired) -> bool {
        flow::is_found(&self.table, retired)
    }

    /// Reads what is known of a retired connection, and what was counted. It stays where it is.
    pub fn harvest(&self, retired: &Retired) -> Option<engine::Event> {
        let facts = self.facts(retired.slot)?;
        let volumes = self.counters.total(retired.place);
        Some(engine::Event::Harvested(facts, volumes))
    }

    /// Lets others have the places of connections whose records are written, now or, if the kernel wants
    /// for memory, with the next call.
    ///
    /// # Errors
    ///
    /// When the kernel does not run the program that does it.
    pub fn release(&mut self, retired: &[Retired]) -> Result<()> {
        for retired in retired {
            flow::forget(&self.table, retired);
            self.counters.clear(retired.place);
        }
        let slots = retired.iter().map(|retired| retired.slot);
        self.releases.run(&mut self.ebpf, slots)
    }

    /// The number of the record of the connection in `slot`: the same however often it is asked.
    pub fn record_number(&self, slot: u32) -> Option<u64> {
        self.legacy.number(self.table.connection(slot)?)
    }

    /// Notes that the connection in `slot` shares its ISN with another.
    pub fn note_shared_isn(&self, slot: u32) {
        note_shared_isn(&self.table, slot);
    }

    /// Lets a connection forget that it has seen an RST.
    pub fn forget_reset(&self, slot: u32) {
        forget_reset(&self.table, slot);
    }

    /// Removes SYNs seen on the outside.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to write the map.
    pub fn forget_outside(&self, keys: &[OutsideKey]) -> Result<()> {
        let removed = self.outside_syns.remove(keys);
        removed.context("cannot remove from OUTSIDE_SYNS")
    }

    /// All connections in `slots` of the table, for what events may have missed.
    pub fn sweep(&self, slots: std::ops::Range<u32>) -> impl Iterator<Item = Facts> {
        let end = slots.end;
        slots.step_by(FETCHED).flat_map(move |first| {
            let part = first..end.min(first + FETCHED as u32);
            self.table.fetch(part.clone());
            part.filter_map(|slot| self.facts(slot))
        })
    }

    /// One more than the highest slot.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// A part of the SYNs seen on the outside, for what events may have missed: the first, or that at
    /// the cursor. If there are more, the next part is at the cursor that is returned.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn outside_syns(
        &mut self,
        from: Option<Cursor>,
    ) -> Result<(
        impl Iterator<Item = (OutsideKey, OutsideSyn)>,
        Option<Cursor>,
    )> {
        let part = self.outside_syns.read(from);
        part.context("cannot read OUTSIDE_SYNS")
    }

    /// How often each cause occurred.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn ignored(&self) -> Result<Vec<(Cause, IgnoredTotal)>> {
        let total = |cause| Ok((cause, ignored_for(&self.ignored, cause)?));
        Cause::ALL.into_iter().map(total).collect()
    }

    /// How many SYNs on the outside were not noted, as there was no room for them.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn outside_not_noted(&self) -> Result<u64> {
        Ok(ignored_for(&self.ignored, Cause::OutsideFull)?.packets)
    }

    /// How many events found the ring buffer full.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn events_lost(&self) -> Result<u64> {
        Ok(ignored_for(&self.ignored, Cause::EventLost)?.packets)
    }
}

/// How often `cause` occurred, on all processors together.
fn ignored_for(ignored: &PerCpuArray<MapData, IgnoredTotal>, cause: Cause) -> Result<IgnoredTotal> {
    let per_cpu = ignored.get(&(cause as u32), 0);
    let mut total = IgnoredTotal::default();
    for values in per_cpu.context("cannot read IGNORED")?.iter() {
        total.packets += values.packets;
        total.payload_bytes += values.payload_bytes;
    }
    Ok(total)
}

fn note_shared_isn(table: &impl Table, slot: u32) {
    if let Some(connection) = table.connection(slot) {
        connection.isn_is_shared.set(true);
    }
}

fn forget_reset(table: &impl Table, slot: u32) {
    if let Some(connection) = table.connection(slot) {
        connection.forget_reset();
    }
}

fn random_seed() -> Result<Seed> {
    let mut seed = Seed(Default::default());
    for number in seed.0.as_flattened_mut() {
        *number = getrandom::u64().context("cannot draw a random seed")?;
    }
    Ok(seed)
}
