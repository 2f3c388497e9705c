//! The crate's only unsafe code: plain values out of packet bytes, and cells that the kernel
//! programs and user space both write.

#![expect(unsafe_code, reason = "packet bytes and memory shared with the kernel")]

use core::{cell::UnsafeCell, marker::PhantomData, mem::MaybeUninit, ptr};

use network_types::ip::{Ipv4Hdr, Ipv6Hdr};

use crate::{
    layout::Described,
    packet::{Bytes, Headers},
};

/// A header that may be made of any bytes.
///
/// # Safety
///
/// Every bit pattern must be a valid value, without padding.
pub unsafe trait Header: Copy {}

// SAFETY: arrays of bytes only.
unsafe impl Header for Ipv4Hdr {}
// SAFETY: arrays of bytes only.
unsafe impl Header for Ipv6Hdr {}
// SAFETY: nothing but bytes and integers, packed.
unsafe impl Header for Headers<Ipv4Hdr> {}
// SAFETY: the same.
unsafe impl Header for Headers<Ipv6Hdr> {}
// SAFETY: any bits are an integer.
unsafe impl<const N: usize> Header for [u32; N] {}
// SAFETY: bytes.
unsafe impl<const N: usize> Header for [u8; N] {}

/// A header that was found in a packet, as a whole. It is read when it is needed: nothing is kept
/// meanwhile.
#[derive(Clone, Copy)]
pub struct Found<'a, T> {
    start: *const T,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a, T: Header> Found<'a, T> {
    /// The header that begins at `start`.
    ///
    /// # Safety
    ///
    /// All bytes of a `T` must be there, and stay.
    #[inline(always)]
    pub const unsafe fn new(start: *const T) -> Self {
        let bytes = PhantomData;
        Self { start, bytes }
    }

    /// What is at so many bytes of it.
    #[inline(always)]
    pub const fn part<Part: Header>(self, offset: usize) -> Found<'a, Part> {
        const { assert!(size_of::<Part>() <= size_of::<T>()) };
        assert!(offset <= size_of::<T>() - size_of::<Part>());
        // SAFETY: within the header, by the lines above.
        unsafe { Found::new(self.start.cast::<u8>().add(offset).cast()) }
    }

    /// Reads it.
    #[inline(always)]
    pub fn read(self) -> T {
        // SAFETY: all its bytes are there, by `new`, and `Header` allows any value of them.
        unsafe { read(self.start) }
    }
}

impl Bytes for [u8] {
    #[inline(always)]
    fn find<T: Header>(&self, offset: u32) -> Option<Found<'_, T>> {
        let bytes = self.get(offset as usize..)?.get(..size_of::<T>())?;
        // SAFETY: `bytes` are as many, and borrowed for as long.
        Some(unsafe { Found::new(bytes.as_ptr().cast()) })
    }
}

/// Reads a header, in the kernel in words of four bytes instead of single ones, and in one of two before
/// them if it has that many: so the words behind an Ethernet header are as aligned as the kernel makes
/// them (NET_IP_ALIGN of include/linux/skbuff.h). The verifier refuses others on machines that cannot
/// read them.
///
/// # Safety
///
/// `header` must point to the bytes of a `T`.
#[inline(always)]
unsafe fn read<T: Header>(header: *const T) -> T {
    if !cfg!(target_arch = "bpf") {
        // SAFETY: by the caller.
        return unsafe { ptr::read_unaligned(header) };
    }
    const { assert!(size_of::<T>().is_multiple_of(2)) };
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: by the caller, and `value` has room for a `T`.
    unsafe {
        let (from, to) = (header.cast::<u8>(), value.as_mut_ptr().cast::<u8>());
        let mut at = 0;
        if !size_of::<T>().is_multiple_of(4) {
            copy_word::<u16>(from, to);
            at = 2;
        }
        while at < size_of::<T>() {
            copy_word::<u32>(from.add(at), to.add(at));
            at += 4;
        }
        value.assume_init()
    }
}

/// # Safety
///
/// Both must point to the bytes of a word. That `from` may be read at once is the target's affair: of
/// pointers the BPF target knows no alignment.
#[inline(always)]
unsafe fn copy_word<Word>(from: *const u8, to: *mut u8) {
    // SAFETY: by the caller.
    unsafe {
        to.cast::<Word>()
            .write_unaligned(from.cast::<Word>().read())
    }
}

/// A value in memory that several processors, or the kernel and user space, read and write
/// without a lock. Reads and writes of up to eight aligned bytes are single instructions.
///
/// The BPF target has no atomic loads for four bytes and less, hence volatile accesses.
#[repr(transparent)]
pub struct Shared<T>(UnsafeCell<T>);

// SAFETY: all accesses are volatile reads and writes of plain values; a torn or stale value is
// a value all the same, and the protocols in `flow` allow for it.
unsafe impl<T: Copy + Send> Sync for Shared<T> {}

impl<T: Copy> Shared<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Reads the value.
    #[inline(always)]
    pub fn get(&self) -> T {
        // SAFETY: the pointer is valid and aligned for as long as `self` is.
        unsafe { ptr::read_volatile(self.0.get()) }
    }

    /// Writes the value.
    #[inline(always)]
    pub fn set(&self, value: T) {
        // SAFETY: the pointer is valid and aligned for as long as `self` is.
        unsafe { ptr::write_volatile(self.0.get(), value) }
    }
}

impl Shared<u64> {
    /// Reads the half of the value that is the second one in memory.
    #[inline(always)]
    pub fn second_half(&self) -> u32 {
        // SAFETY: the pointer is valid for eight bytes for as long as `self` is, and aligned to them.
        unsafe { ptr::read_volatile(self.0.get().cast::<u32>().add(1)) }
    }
}

/// Writes bytes over a field that another build has written elsewhere; `false` if they are too many.
pub fn overwrite<T: Described>(value: &mut T, offset: usize, bytes: &[u8]) -> bool {
    if offset.saturating_add(bytes.len()) > size_of::<T>() {
        return false;
    }
    // SAFETY: within `value`, which nobody else has. Fields of layouts are integers and bools, and
    // under one name they are of one kind in all builds.
    unsafe {
        let field = ptr::from_mut(value).cast::<u8>().add(offset);
        ptr::copy_nonoverlapping(bytes.as_ptr(), field, bytes.len());
    }
    true
}

#[cfg(target_has_atomic = "32")]
impl Shared<u32> {
    /// Writes `new` if the value is `current`; tells whether it was.
    pub fn replace(&self, current: u32, new: u32) -> bool {
        use core::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Relaxed};
        // SAFETY: valid and aligned; all other accesses are single volatile instructions.
        let atomic = unsafe { AtomicU32::from_ptr(self.0.get()) };
        atomic
            .compare_exchange(current, new, AcqRel, Relaxed)
            .is_ok()
    }
}

impl<T: Copy + Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}
