//! What an agent with other layouts has left: its programs are taken off, and its connections are
//! read by the manifest that it wrote. Nothing goes on from there.

mod layout;
mod table;

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use aya::maps::{HashMap, Map, MapData, PerCpuArray};
use memmap2::{MmapOptions, MmapRaw};
use nat_acct_common::{
    flow::{self, Facts},
    layout::{
        Bucket, Connection, Described, Direction, Instance, OutsideKey, OutsideSyn, PerSender,
        Volume,
    },
};

use self::{layout::Layout, table::Left};
use super::{
    attach::{Owner, Side, Target, remove_owners},
    forget_reset, grace,
    links::Links,
    note_shared_isn,
    predecessor::names,
    total,
};
use crate::engine;

/// What is in a directory of another ABI.
pub struct Inherited {
    dir: PathBuf,
    layout: Layout,
    instance: Instance,
}

/// What was counted until the programs were taken off.
pub struct Remains {
    table: Left,
    counters: PerCpuArray<MapData, PerSender<Volume>>,
    outside_syns: Vec<(OutsideKey, OutsideSyn)>,
    next_record: u64,
    tick_ns: u64,
}

impl Inherited {
    /// Finds out what is there.
    ///
    /// # Errors
    ///
    /// When it has no manifest, or one that tells of something that cannot be read.
    pub(super) fn open(dir: PathBuf) -> Result<Self> {
        let element = Elements::open(&dir, "INSTANCE")?;
        let bytes = element.get(0).context("INSTANCE is empty")?;
        let layout = Layout::read(&bytes).context("it does not tell how it is laid out")?;
        layout.ensure_same::<Bucket>()?;
        layout.ensure_same::<Volume>()?;
        layout.ensure_same::<OutsideKey>()?;
        layout.ensure_same::<OutsideSyn>()?;
        let instance = layout.translate(&bytes)?;
        layout.translate::<Connection>(&vec![0; layout.size_of::<Connection>()?])?;
        Ok(Self {
            dir,
            layout,
            instance,
        })
    }

    /// Names of the inside and the outside interfaces.
    pub fn interfaces(&self) -> [Vec<String>; 2] {
        [names(&self.instance.inside), names(&self.instance.outside)]
    }

    /// Whether the first FIN ended a connection.
    pub fn closes_on_first_fin(&self) -> bool {
        self.instance.close_on_first_fin.get() != 0
    }

    /// Takes the programs off, those on the inside first, and reads what they have counted, in a
    /// coarse clock of `tick_ns`. It can be read again.
    ///
    /// # Errors
    ///
    /// When the kernel refuses, or an agent still runs.
    pub fn detach(&self, tick_ns: u64) -> Result<Remains> {
        let owner = Owner::succeed(self.instance.filter_handle.get() as u32)?;
        let links = Links::read().context("cannot list the interfaces")?;
        for (side, names) in Side::ALL.into_iter().zip(self.interfaces()) {
            self.unpin_links(side)?;
            for interface in &names {
                remove_filters(&links, interface, side, &owner)?;
            }
        }
        grace::wait();
        self.remains(tick_ns)
    }

    /// Removes the directory.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn remove(&self) -> Result<()> {
        let removed = fs::remove_dir_all(&self.dir);
        removed.with_context(|| format!("cannot remove {}", self.dir.display()))
    }

    fn unpin_links(&self, side: Side) -> Result<()> {
        let prefix = format!("{}-", side.name());
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn remains(&self, tick_ns: u64) -> Result<Remains> {
        let connections = self.all("CONNECTIONS")?;
        let next = connections
            .iter()
            .map(|connection: &Connection| connection.record_number.get());
        let next_record = next.max().unwrap_or(0).max(self.instance.next_record.get());
        let counters = Map::from_map_data(pinned(&self.dir, "COUNTERS")?)?;
        let outside_syns = Map::from_map_data(pinned(&self.dir, "OUTSIDE_SYNS")?)?;
        let outside_syns: HashMap<_, _, _> = outside_syns.try_into()?;
        Ok(Remains {
            table: Left {
                connections,
                buckets: self.all("FLOWS")?,
            },
            counters: counters.try_into()?,
            outside_syns: outside_syns.iter().collect::<Result<_, _>>()?,
            next_record,
            tick_ns,
        })
    }

    fn all<T: Described + Default>(&self, map: &str) -> Result<Vec<T>> {
        let elements = Elements::open(&self.dir, map)?;
        let size = self.layout.size_of::<T>()?;
        ensure!(elements.size == size, "its {map} is not of {}", T::NAME);
        let translate = |bytes: Vec<u8>| self.layout.translate(&bytes);
        elements.iter().map(translate).collect()
    }
}

impl Remains {
    /// All connections.
    pub fn facts(&self) -> impl Iterator<Item = Facts> {
        let slots = 1..self.table.connections.len() as u32;
        slots.filter_map(|slot| self.facts_of(slot))
    }

    /// The connection in `slot`, if there is one.
    pub fn facts_of(&self, slot: u32) -> Option<Facts> {
        Facts::read(&self.table, slot, self.tick_ns)
    }

    /// See [`Live::note_shared_isn`](super::Live::note_shared_isn).
    pub fn note_shared_isn(&self, slot: u32) {
        note_shared_isn(&self.table, slot);
    }

    /// See [`Live::forget_reset`](super::Live::forget_reset).
    pub fn forget_reset(&self, slot: u32) {
        forget_reset(&self.table, slot);
    }

    /// All SYNs seen on the outside.
    pub fn outside_syns(&self) -> &[(OutsideKey, OutsideSyn)] {
        &self.outside_syns
    }

    /// What is known of a connection in the end, and what was counted.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to read the map.
    pub fn harvest(&self, slot: u32) -> Result<Option<engine::Event>> {
        let Some(retired) = flow::retire(&self.table, slot) else {
            return Ok(None);
        };
        let volumes = total(&self.counters, slot)?;
        let facts = flow::settle(&self.table, &retired, self.tick_ns);
        Ok(facts.map(|facts| engine::Event::Harvested(facts, volumes)))
    }

    /// The number of the record of the connection in `slot`. Another time it is the same, because
    /// nothing changes any more and connections come in the same order.
    pub fn record_number(&mut self, slot: u32) -> Option<u64> {
        let connection = self.table.connections.get(slot as usize)?;
        if connection.record_number.get() == 0 {
            self.next_record += 1;
            connection.record_number.set(self.next_record);
        }
        Some(connection.record_number.get() - 1)
    }
}

fn remove_filters(links: &Links, interface: &str, side: Side, owner: &Owner) -> Result<()> {
    let Some(link) = links.describe(interface) else {
        return Ok(());
    };
    Direction::ALL.into_iter().try_for_each(|direction| {
        let target = Target {
            interface,
            index: link.index,
            side,
            direction,
        };
        remove_owners(target, owner)
    })
}

fn pinned(dir: &Path, map: &str) -> Result<MapData> {
    let path = dir.join(map);
    MapData::from_pin(&path).with_context(|| format!("cannot open {}", path.display()))
}

/// A mapped array with elements of any size.
struct Elements {
    memory: MmapRaw,
    size: usize,
    count: usize,
}

impl Elements {
    fn open(dir: &Path, map: &str) -> Result<Self> {
        let map = pinned(dir, map)?;
        let info = map.info()?;
        let (size, count) = (info.value_size() as usize, info.max_entries() as usize);
        let memory = MmapOptions::new()
            .len(count * size.next_multiple_of(8))
            .map_raw(map.fd().as_fd().as_raw_fd())?;
        Ok(Self {
            memory,
            size,
            count,
        })
    }

    fn get(&self, index: usize) -> Option<Vec<u8>> {
        if index >= self.count {
            return None;
        }
        // SAFETY: within the mapping, which lives as long as `self`. A program may write at the same
        // time, so whole elements are only read when there is none.
        let element = unsafe {
            let start = self
                .memory
                .as_ptr()
                .add(index * self.size.next_multiple_of(8));
            std::slice::from_raw_parts(start, self.size)
        };
        Some(element.to_vec())
    }

    fn iter(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.count).filter_map(|index| self.get(index))
    }
}
