//! The kernel's maps as the flow step's table, seen from user space.

use std::{cell::RefCell, sync::Arc};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{HashMap, Map, MapData},
};
use nat_acct_common::{
    flow::Table,
    layout::{Bucket, Connection, FlowKey, Seed},
};

use super::{load::Settings, mapped::MappedArray};

/// `BPF_NOEXIST` of include/uapi/linux/bpf.h: fail if there is an element.
const NO_EXIST: u64 = 1;
/// The value of a lock that user space holds; that of a program is 1.
const OF_USER_SPACE: u8 = 2;
/// Tries to take a lock that a program holds for less than a microsecond.
const LOCK_ATTEMPTS: usize = 10_000;

/// The flow table, the connections, and the overflow map.
pub struct KernelTable {
    seed: Seed,
    bucket_mask: u32,
    buckets: MappedArray<Bucket>,
    connections: Arc<MappedArray<Connection>>,
    overflow: RefCell<HashMap<MapData, FlowKey, u32>>,
    locks: RefCell<HashMap<MapData, u32, u8>>,
}

impl KernelTable {
    pub(super) fn new(ebpf: &mut Ebpf, settings: &Settings, seed: Seed) -> Result<Self> {
        let buckets = mapped(ebpf, "FLOWS", settings.places())?;
        let connections = mapped(ebpf, "CONNECTIONS", settings.slots())?;
        Ok(Self {
            seed,
            bucket_mask: settings.bucket_mask(),
            buckets,
            connections: Arc::new(connections),
            overflow: RefCell::new(HashMap::try_from(take(ebpf, "OVERFLOW")?)?),
            locks: RefCell::new(HashMap::try_from(take(ebpf, "LOCKS")?)?),
        })
    }
}

impl KernelTable {
    /// All connections, for those who only look.
    pub(super) fn connections(&self) -> Arc<MappedArray<Connection>> {
        Arc::clone(&self.connections)
    }

    /// Has the processor fetch what is known of the connections in `slots`. To wait for the memory of
    /// many at a time takes little more than to wait for that of one.
    pub(super) fn fetch(&self, slots: impl Iterator<Item = u32>) {
        for connection in slots.filter_map(|slot| self.connections.get(slot)) {
            let place = connection.fetch();
            // Reads of shared memory are not left out.
            let _ = self.bucket(place).map(Bucket::owner);
        }
    }

    /// Gives back the locks that a killed agent held.
    pub(super) fn free_locks(&self) {
        let mut locks = self.locks.borrow_mut();
        let held = locks.iter().filter_map(Result::ok);
        let held: Vec<_> = held
            .filter(|(_, holder)| *holder == OF_USER_SPACE)
            .collect();
        for (set, _) in held {
            // One that is gone is what was wanted.
            let _ = locks.remove(&set);
        }
    }
}

impl Table for KernelTable {
    fn seed(&self, word: usize) -> [u64; 2] {
        self.seed.0[word]
    }

    fn bucket_mask(&self) -> u32 {
        self.bucket_mask
    }

    fn bucket(&self, place: u32) -> Option<&Bucket> {
        self.buckets.get(place)
    }

    fn overflow(&self, key: &FlowKey) -> Option<u32> {
        self.overflow.borrow().get(key, 0).ok()
    }

    fn overflow_insert(&self, key: &FlowKey, place: u32) -> bool {
        self.overflow.borrow_mut().insert(key, place, 0).is_ok()
    }

    fn overflow_remove(&self, key: &FlowKey) {
        // An element that is gone is what was wanted.
        let _ = self.overflow.borrow_mut().remove(key);
    }

    fn lock(&self, set: u32) -> bool {
        let mut locks = self.locks.borrow_mut();
        (0..LOCK_ATTEMPTS).any(|_| locks.insert(set, OF_USER_SPACE, NO_EXIST).is_ok())
    }

    fn unlock(&self, set: u32) {
        // Only the holder removes the element, so it is there.
        let _ = self.locks.borrow_mut().remove(&set);
    }

    fn connection(&self, slot: u32) -> Option<&Connection> {
        self.connections.get(slot)
    }
}

/// Takes the map `name` out of the object.
pub(super) fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map> {
    ebpf.take_map(name)
        .with_context(|| format!("the eBPF object has no map {name}"))
}

/// Maps the array `name`, which has `len` elements.
pub(super) fn mapped<T: Sync>(ebpf: &Ebpf, name: &str, len: u32) -> Result<MappedArray<T>> {
    let Some(Map::Array(data)) = ebpf.map(name) else {
        anyhow::bail!("the eBPF object has no array {name}");
    };
    MappedArray::new(data, len).with_context(|| format!("cannot map the array {name}"))
}
