//! What an agent with other layouts has left: its programs are taken off, and its connections are
//! read by the manifest that it wrote. Nothing goes on from there.

mod counted;
mod earlier;
mod elements;
mod layout;
mod remains;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use aya::maps::{HashMap, Map};
use nat_acct_common::flow::CoarseClock;
use nat_acct_common::layout::{
    Bucket, Connection, Described, Direction, Instance, OutsideKey, OutsideSyn, Volume,
};

pub use self::remains::Remains;
use self::{
    counted::Counted,
    earlier::OwnBuckets,
    elements::{Elements, pinned},
    layout::Layout,
    remains::Left,
};
use super::{
    attach::{Owner, Side, remove_owners, unpin},
    grace,
    links::Links,
    pins::Pins,
    predecessor::names,
};
use crate::clock;

/// What is in a directory of another ABI.
pub struct Inherited {
    dir: PathBuf,
    layout: Layout,
    own_buckets: Option<OwnBuckets>,
    instance: Instance,
}

impl Inherited {
    /// What agents of another ABI have left in `pins`.
    ///
    /// # Errors
    ///
    /// When it is so different that it cannot be read.
    pub fn of(pins: &Pins) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for dir in pins.of_other_abis()? {
            let shown = dir.display().to_string();
            let inherited = Self::open(dir).with_context(|| {
                format!(
                    "{shown} was made by another version of nat-acct, whose connections this one \
                     cannot read: have `nat-acct detach` of that version write their records first"
                )
            });
            all.push(inherited?);
        }
        Ok(all)
    }

    fn open(dir: PathBuf) -> Result<Self> {
        let element = Elements::open(&dir, "INSTANCE")?;
        let bytes = element.get(0).context("INSTANCE is empty")?;
        let layout = Layout::read(&bytes);
        let mut layout = layout.context("it does not tell how it is laid out")?;
        earlier::rename(&mut layout);
        let own_buckets = OwnBuckets::of(&mut layout);
        layout.ensure_same::<Bucket>()?;
        layout.ensure_same::<Volume>()?;
        layout.ensure_same::<OutsideKey>()?;
        layout.ensure_same::<OutsideSyn>()?;
        let instance = layout.translate(&bytes)?;
        layout.translate::<Connection>(&vec![0; layout.size_of::<Connection>()?])?;
        Ok(Self {
            dir,
            layout,
            own_buckets,
            instance,
        })
    }

    /// See [`Live::number`](super::Live::number).
    pub fn number(&self) -> u32 {
        self.instance.filter_handle.get() as u32
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
        let owner = Owner::succeed(self.number())?;
        let links = Links::read().context("cannot list the interfaces")?;
        for (side, names) in Side::ALL.into_iter().zip(self.interfaces()) {
            self.unpin_links(side)?;
            for interface in &names {
                remove_filters(&links, interface, &owner)?;
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
                unpin(&entry.path())?;
            }
        }
        Ok(())
    }

    fn remains(&self, tick_ns: u64) -> Result<Remains> {
        let table = self.table()?;
        let next = table
            .connections
            .iter()
            .map(|connection| connection.record_number.get());
        let next_record = next.max().unwrap_or(0).max(self.instance.next_record.get());
        let counters = Counted::open(&self.dir, table.buckets.len().try_into()?)?;
        let outside_syns = Map::from_map_data(pinned(&self.dir, "OUTSIDE_SYNS")?)?;
        let outside_syns: HashMap<_, _, _> = outside_syns.try_into()?;
        Ok(Remains {
            table,
            counters,
            outside_syns: outside_syns.iter().collect::<Result<_, _>>()?,
            next_record,
            clock: CoarseClock {
                tick_ns,
                now_ns: clock::monotonic_ns(),
            },
        })
    }

    fn table(&self) -> Result<Left> {
        let buckets = self.all(&self.elements::<Bucket>("FLOWS")?)?;
        let connections = self.elements::<Connection>("CONNECTIONS")?;
        match &self.own_buckets {
            Some(own_buckets) => own_buckets.table(&self.layout, connections.iter(), buckets),
            None => Ok(Left {
                connections: self.all(&connections)?,
                buckets,
            }),
        }
    }

    fn elements<T: Described>(&self, map: &str) -> Result<Elements> {
        let elements = Elements::open(&self.dir, map)?;
        let size = self.layout.size_of::<T>()?;
        ensure!(elements.size == size, "its {map} is not of {}", T::NAME);
        Ok(elements)
    }

    fn all<T: Described + Default>(&self, elements: &Elements) -> Result<Vec<T>> {
        let translate = |bytes: Vec<u8>| self.layout.translate(&bytes);
        elements.iter().map(translate).collect()
    }
}

fn remove_filters(links: &Links, interface: &str, owner: &Owner) -> Result<()> {
    let Some(link) = links.describe(interface) else {
        return Ok(());
    };
    let mut directions = Direction::ALL.into_iter();
    directions.try_for_each(|direction| remove_owners(interface, link.index, direction, owner))
}
