//! Reading or removing many elements of a hash with one system call: `BPF_MAP_LOOKUP_BATCH` and
//! `BPF_MAP_DELETE_BATCH` (Linux 5.6), which aya does not make. To read one after the other takes two
//! calls for each.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf, Pod,
    maps::{Map, MapData},
};
use nix::errno::Errno;

use super::bpf;

/// `BPF_MAP_LOOKUP_BATCH` of include/uapi/linux/bpf.h.
const LOOKUP_BATCH: libc::c_int = 24;
/// `BPF_MAP_DELETE_BATCH`, likewise.
const DELETE_BATCH: libc::c_int = 27;
/// Elements of a part. Where more than so many have one hash, the kernel refuses.
const PART: usize = 2048;

/// Elements of a `BPF_MAP_TYPE_HASH` with these keys and values.
pub(super) struct Batches<K, V> {
    map: OwnedFd,
    keys: Vec<K>,
    values: Vec<V>,
}

/// Where the next part begins: a number of the kernel's. What is inserted or removed meanwhile hides
/// no other element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(u32);

/// `union bpf_attr` for both.
#[repr(C)]
#[derive(Default)]
struct Batch {
    from: u64,
    next: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    element_flags: u64,
    flags: u64,
}

/// Those of the hash `name`.
pub(super) fn batches<K, V>(ebpf: &Ebpf, name: &str) -> Result<Batches<K, V>>
where
    K: Pod + Default,
    V: Pod + Default,
{
    let Some(Map::HashMap(map)) = ebpf.map(name) else {
        anyhow::bail!("the eBPF object has no hash {name}");
    };
    Batches::of(map).with_context(|| format!("cannot use the hash {name}"))
}

impl<K: Pod + Default, V: Pod + Default> Batches<K, V> {
    fn of(map: &MapData) -> Result<Self> {
        let info = map.info()?;
        let sizes = (info.key_size() as usize, info.value_size() as usize);
        ensure!(
            sizes == (size_of::<K>(), size_of::<V>()),
            "it has {sizes:?} bytes"
        );
        Ok(Self {
            map: map.fd().as_fd().try_clone_to_owned()?,
            keys: vec![K::default(); PART],
            values: vec![V::default(); PART],
        })
    }

    /// The elements from the cursor on, or the first ones; and where the next part begins, if there
    /// is one.
    pub(super) fn read(
        &mut self,
        from: Option<Cursor>,
    ) -> io::Result<(impl Iterator<Item = (K, V)>, Option<Cursor>)> {
        let mut next = 0u32;
        let mut batch = Batch {
            from: from.as_ref().map_or(0, |from| &raw const *from as u64),
            next: &raw mut next as u64,
            keys: self.keys.as_mut_ptr() as u64,
            values: self.values.as_mut_ptr() as u64,
            count: PART as u32,
            map_fd: self.map.as_raw_fd().cast_unsigned(),
            ..Batch::default()
        };
        // SAFETY: the kernel reads the number at `from`, writes the one at `next`, and at most `count`
        // keys and values, of the sizes that the map has and these types have, too; any bytes are
        // values of them. All of that lives through the call.
        let is_last = match unsafe { bpf::call(LOOKUP_BATCH, &mut batch) } {
            Ok(_) => false,
            Err(Errno::ENOENT) => true,
            Err(error) => return Err(error.into()),
        };
        let read = batch.count as usize;
        let keys = self.keys[..read].iter().copied();
        let values = self.values[..read].iter().copied();
        Ok((keys.zip(values), (!is_last).then_some(Cursor(next))))
    }

    /// Removes the elements with these keys. Those that are gone are what was wanted.
    pub(super) fn remove(&self, mut keys: &[K]) -> io::Result<()> {
        while !keys.is_empty() {
            let mut batch = Batch {
                keys: keys.as_ptr() as u64,
                count: keys.len().try_into().unwrap_or(u32::MAX),
                map_fd: self.map.as_raw_fd().cast_unsigned(),
                ..Batch::default()
            };
            // SAFETY: the kernel reads at most `count` keys, of the size that the map has and this type
            // has, too. They live through the call.
            let is_missing = match unsafe { bpf::call(DELETE_BATCH, &mut batch) } {
                Ok(_) => false,
                Err(Errno::ENOENT) => true,
                Err(error) => return Err(error.into()),
            };
            // It stops at the first that is missing.
            keys = &keys[batch.count as usize + usize::from(is_missing)..];
        }
        Ok(())
    }
}
