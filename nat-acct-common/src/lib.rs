//! What the kernel programs and user space share: the packet parser, the flow step, and the
//! layouts of the maps. The same lines run in the kernel, in replay, in tests and under the
//! fuzzer; nothing here does IO, reads a clock or allocates.

#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod flow;
pub mod layout;
mod memory;
pub mod packet;
#[cfg(feature = "user")]
mod pod;
