//! Which types user space may copy out of the kernel's maps as they are.

#![expect(unsafe_code, reason = "aya::Pod is an unsafe trait")]

use aya::Pod;

use crate::layout::{FlowKey, IgnoredTotal, OutsideKey, OutsideSyn, PerSender, Volume};

// SAFETY: integers only, repr(C), size checked to be without padding.
unsafe impl Pod for FlowKey {}
// SAFETY: two integers of eight bytes, repr(C).
unsafe impl Pod for IgnoredTotal {}
// SAFETY: integers only, repr(C), padding explicit.
unsafe impl Pod for OutsideKey {}
// SAFETY: two integers of eight bytes, repr(C).
unsafe impl Pod for OutsideSyn {}
// SAFETY: six integers of eight bytes, repr(C): the plain form of `Counters`.
unsafe impl Pod for PerSender<Volume> {}
