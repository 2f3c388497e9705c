//! The layouts of the maps, one type a file. All are `repr(C)` without implicit padding, and
//! their sizes are checked, for kernel programs and user space of different builds meet here.

mod address;
mod bucket;
mod cause;
mod clock;
mod connection;
mod counters;
mod event;
mod instance;
mod interfaces;
mod key;
mod manifest;
mod outside;
mod per_sender;
mod released;

pub use address::Address;
pub use bucket::{Bucket, Owner, WAYS, buckets_for};
pub use cause::{Cause, Ignored, IgnoredTotal};
pub use clock::ClockPair;
pub use connection::Connection;
pub use counters::{Counters, Volume};
pub use event::{ConnectionEvent, Event, OutsideEvent};
pub use instance::{Instance, Names};
pub use interfaces::{Description, Direction, Interface, Interfaces, MAX_INTERFACES, Properties};
pub use key::{FlowKey, Seed, Sender, Zone};
pub use manifest::{Described, Field, Manifest, NAME_BYTES, of as described_fields};
pub use outside::{OutsideKey, OutsideSyn};
pub use per_sender::PerSender;
pub use released::{MAX_RELEASED, ReleasedSlot};

pub use crate::memory::overwrite;

/// Version of everything in this module. To be raised with each change of a layout, and of the hash.
pub const ABI_VERSION: u32 = 10;
