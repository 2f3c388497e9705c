//! Kernel arrays mapped into this process: their elements are read and written without a system
//! call, at the same time as the programs do.

use std::{
    marker::PhantomData,
    os::fd::{AsFd as _, AsRawFd as _},
};

use aya::maps::MapData;
use memmap2::{MmapOptions, MmapRaw};

/// A `BPF_MAP_TYPE_ARRAY` with `BPF_F_MMAPABLE` (Linux 5.5) and elements of type `T`.
pub(super) struct MappedArray<T> {
    memory: MmapRaw,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Sync> MappedArray<T> {
    /// Maps `map`, which has `len` elements.
    pub(super) fn new(map: &MapData, len: u32) -> std::io::Result<Self> {
        let len = len as usize;
        let memory = MmapOptions::new()
            .len(len * size_of::<T>())
            .map_raw(map.fd().as_fd().as_raw_fd())?;
        Ok(Self {
            memory,
            len,
            element: PhantomData,
        })
    }

    /// The element at `index`.
    pub(super) fn get(&self, index: u32) -> Option<&T> {
        let index = index as usize;
        if index >= self.len {
            return None;
        }
        // SAFETY: within the mapping, which lives as long as `self`; the kernel starts arrays at a
        // page and places elements at multiples of their size, which is a multiple of 8. All
        // fields of `T` are `Shared` cells of plain values.
        Some(unsafe { &*self.memory.as_ptr().cast::<T>().add(index) })
    }
}
