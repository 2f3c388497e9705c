//! The running gateway as a source: loads and attaches the programs, drains the ring buffer, reads
//! the maps. It knows the kernel and nothing of records.

mod attach;
mod clock;
pub mod grace;
mod interface;
mod load;
mod mapped;
mod table;

use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf,
    maps::{HashMap, MapData, PerCpuArray, Queue, RingBuf},
};
use nat_acct_common::{
    flow::{self, Facts, Retired, Table as _},
    layout::{
        Cause, Event, EventKind, IgnoredTotal, Interfaces, MAX_INTERFACES, OutsideKey, OutsideSyn,
        PerSender, Seed, Sender, Volume,
    },
};

pub use self::{attach::Hook, load::Settings};
use self::{
    attach::{Attached, Side},
    mapped::MappedArray,
    table::{KernelTable, mapped, take},
};
use crate::engine;

/// The programs in the kernel, and their maps.
pub struct Live {
    ebpf: Ebpf,
    table: KernelTable,
    counters: PerCpuArray<MapData, PerSender<Volume>>,
    free_slots: Queue<MapData, u32>,
    outside_syns: HashMap<MapData, OutsideKey, OutsideSyn>,
    ignored: PerCpuArray<MapData, IgnoredTotal>,
    interfaces: MappedArray<Interfaces>,
    events: RingBuf<MapData>,
    tick_ns: u64,
    slots: u32,
    attached: Vec<Attached>,
}

impl Live {
    /// Loads the programs. Nothing is attached yet.
    ///
    /// # Errors
    ///
    /// When the kernel refuses: for lack of privilege or of a feature.
    pub fn load(settings: &Settings) -> Result<Self> {
        let seed = Seed(rand_words()?);
        let mut ebpf = load::load(settings, seed)?;
        let tick_ns = clock::tick_ns(&mut ebpf)?;
        let table = KernelTable::new(&mut ebpf, settings, seed)?;
        let mut free_slots = Queue::try_from(take(&mut ebpf, "FREE_SLOTS")?)?;
        for slot in 1..settings.slots() {
            free_slots.push(slot, 0).context("cannot fill FREE_SLOTS")?;
        }
        Ok(Self {
            counters: PerCpuArray::try_from(take(&mut ebpf, "COUNTERS")?)?,
            outside_syns: HashMap::try_from(take(&mut ebpf, "OUTSIDE_SYNS")?)?,
            ignored: PerCpuArray::try_from(take(&mut ebpf, "IGNORED")?)?,
            interfaces: mapped(&ebpf, "INTERFACES", 2)?,
            events: RingBuf::try_from(take(&mut ebpf, "EVENTS")?)?,
            slots: settings.slots(),
            attached: Vec::new(),
            free_slots,
            table,
            tick_ns,
            ebpf,
        })
    }

    /// Says whether an interface exists, before anything is loaded for it.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn check_interface(name: &str) -> Result<()> {
        interface::look_up(name).map(drop)
    }

    /// Attaches the programs, to the hook that is wanted or else the best, and says to which.
    ///
    /// # Errors
    ///
    /// When an interface does not exist, or the kernel refuses.
    pub fn attach(
        &mut self,
        inside: &[String],
        outside: &[String],
        wanted: Option<Hook>,
    ) -> Result<Vec<Hook>> {
        // The outside first: an opening that is seen on the inside must not miss its other half.
        let outside = self.attach_side(Side::Outside, outside, wanted)?;
        let mut hooks = self.attach_side(Side::Inside, inside, wanted)?;
        hooks.extend(outside);
        Ok(hooks)
    }

    fn attach_side(
        &mut self,
        side: Side,
        names: &[String],
        wanted: Option<Hook>,
    ) -> Result<Vec<Hook>> {
        if names.len() > MAX_INTERFACES {
            bail!("at most {MAX_INTERFACES} interfaces a side");
        }
        let mut hooks = Vec::new();
        for (zone, name) in names.iter().enumerate() {
            let interface = interface::look_up(name)?;
            let interfaces = self.interfaces.get(side.element());
            let interfaces = interfaces.context("the map INTERFACES is too small")?;
            interfaces.set(zone, interface.index, interface.link);
            let attached = attach::attach(&mut self.ebpf, name, side, wanted)?;
            hooks.push(attached.hook);
            self.attached.insert(0, attached);
        }
        Ok(hooks)
    }

    /// Stops counting: the programs are detached, those on the inside first, and the maps stay.
    pub fn detach(&mut self) {
        self.attached.clear();
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
        self.events.as_fd().try_clone_to_owned()
    }

    /// The next event of the ring buffer, as the engine wants it.
    pub fn next_event(&mut self) -> Option<engine::Event> {
        loop {
            let item = self.events.next()?;
            let Some(event) = read_event(&item) else {
                continue;
            };
            drop(item);
            match event.kind() {
                Some(EventKind::OutsideSyn) => {
                    let sighting = OutsideSyn {
                        first_ns: event.at_ns,
                        last_ns: event.at_ns,
                    };
                    return Some(engine::Event::OutsideSyn(event.outside, sighting));
                }
                Some(
                    EventKind::Opened | EventKind::Fin | EventKind::Rst | EventKind::Superseded,
                ) => {
                    if let Some(facts) = self.facts(event.slot) {
                        return Some(engine::Event::Seen(facts));
                    }
                }
                None => {}
            }
        }
    }

    /// What is known of the connection in `slot`, if there is one.
    pub fn facts(&self, slot: u32) -> Option<Facts> {
        Facts::read(&self.table, slot, self.tick_ns)
    }

    /// Unlinks a connection. After [`grace::wait`], [`Self::harvest`] it.
    pub fn retire(&self, slot: u32) -> Option<Retired> {
        flow::retire(&self.table, slot)
    }

    /// Reads what was counted for a retired connection, and frees its slot.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read or write a map; then nothing was freed.
    pub fn harvest(&mut self, retired: Retired) -> Result<Option<engine::Event>> {
        let slot = retired.slot;
        let per_cpu = self
            .counters
            .get(&slot, 0)
            .context("cannot read COUNTERS")?;
        let mut volumes: PerSender<Volume> = PerSender::default();
        for values in per_cpu.iter() {
            for sender in [Sender::Client, Sender::Remote] {
                *volumes.get_mut(sender) += *values.get(sender);
            }
        }
        let zeros = vec![PerSender::default(); per_cpu.len()].try_into()?;
        self.counters
            .set(slot, zeros, 0)
            .context("cannot clear COUNTERS")?;
        let facts = flow::release(&self.table, retired, self.tick_ns);
        if let Some(connection) = self.table.connection(slot) {
            connection.opened_ns.set(0);
        }
        self.free_slots
            .push(slot, 0)
            .context("cannot free a slot")?;
        Ok(facts.map(|facts| engine::Event::Harvested(facts, volumes)))
    }

    /// Lets a connection forget that it has seen an RST.
    pub fn forget_reset(&self, slot: u32) {
        if let Some(connection) = self.table.connection(slot) {
            connection.forget_reset();
        }
    }

    /// Removes a SYN seen on the outside.
    pub fn forget_outside(&mut self, key: &OutsideKey) {
        // An element that is gone is what was wanted.
        let _ = self.outside_syns.remove(key);
    }

    /// All connections in `slots` of the table, for what events may have missed.
    pub fn sweep(&self, slots: std::ops::Range<u32>) -> impl Iterator<Item = Facts> {
        slots.filter_map(|slot| self.facts(slot))
    }

    /// One more than the highest slot.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// All SYNs seen on the outside, for what events may have missed.
    pub fn outside_syns(&self) -> Vec<(OutsideKey, OutsideSyn)> {
        self.outside_syns.iter().filter_map(Result::ok).collect()
    }

    /// How often each cause occurred.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn ignored(&self) -> Result<Vec<(Cause, IgnoredTotal)>> {
        let total = |cause| Ok((cause, self.ignored_for(cause)?));
        Cause::ALL.into_iter().map(total).collect()
    }

    /// How many events found the ring buffer full.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn events_lost(&self) -> Result<u64> {
        Ok(self.ignored_for(Cause::EventLost)?.packets)
    }

    fn ignored_for(&self, cause: Cause) -> Result<IgnoredTotal> {
        let per_cpu = self.ignored.get(&(cause as u32), 0);
        let mut total = IgnoredTotal::default();
        for values in per_cpu.context("cannot read IGNORED")?.iter() {
            total.packets += values.packets;
            total.payload_bytes += values.payload_bytes;
        }
        Ok(total)
    }
}

fn read_event(bytes: &[u8]) -> Option<Event> {
    let bytes = bytes.get(..size_of::<Event>())?;
    // SAFETY: as many bytes as an `Event` has, which consists of integers only.
    Some(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) })
}

fn rand_words<const N: usize>() -> Result<[u64; N]> {
    let mut words = [0u64; N];
    for word in &mut words {
        let mut bytes = [0u8; 8];
        getrandom::fill(&mut bytes).context("cannot draw a random seed")?;
        *word = u64::from_ne_bytes(bytes);
    }
    Ok(words)
}
