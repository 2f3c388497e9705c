//! Arithmetic of sequence numbers (RFC 9293, section 3.4): numbers on the wire have 32 bits, ours
//! have 64, so that a stream may be longer than 4 GiB.

/// The first number of a stream whose ISN is `isn`: the one after the SYN. The upper half starts
/// at 1, so that 0 can mean "not known" and a number before the start does not go below zero.
#[inline(always)]
pub(super) const fn first(isn: u32) -> u64 {
    (1 << 32) + isn.wrapping_add(1) as u64
}

/// How far `number` is ahead of `next`; negative if it is behind.
#[inline(always)]
pub(super) const fn ahead(number: u32, next: u64) -> i32 {
    number.wrapping_sub(next as u32) as i32
}

/// Bytes of a stream from its ISN to `next`.
#[inline(always)]
pub(super) const fn length(isn: u32, next: u64) -> u64 {
    next.wrapping_sub(first(isn))
}
