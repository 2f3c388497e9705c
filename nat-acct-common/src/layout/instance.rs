//! What an agent has to know of maps that another agent made.

use super::{FlowKey, Seed};
use crate::memory::Shared;

/// How the maps are laid out, and what goes on from agent to agent. A field of 0 stands for "not
/// known yet".
#[repr(C)]
#[derive(Default)]
pub struct Instance {
    /// [`ABI_VERSION`](super::ABI_VERSION); written last, when all maps are filled.
    pub abi: Shared<u32>,
    /// Connections at a time.
    pub max_connections: Shared<u32>,
    /// Size of the ring buffer in bytes.
    pub ring_bytes: Shared<u32>,
    /// Whether the first FIN ends a connection.
    pub close_on_first_fin: Shared<u32>,
    seed: [Shared<u64>; FlowKey::WORDS],
    /// When the maps were made, in nanoseconds of the monotonic clock.
    pub made_ns: Shared<u64>,
    /// The number of the next record.
    pub next_record: Shared<u64>,
}

const _: () = assert!(size_of::<Instance>() == 16 + 8 * (FlowKey::WORDS + 2));

impl Instance {
    /// The secret of the hash.
    pub fn seed(&self) -> Seed {
        Seed(self.seed.each_ref().map(Shared::get))
    }

    /// Writes the secret of the hash.
    pub fn set_seed(&self, seed: Seed) {
        for (cell, word) in self.seed.iter().zip(seed.0) {
            cell.set(word);
        }
    }
}
