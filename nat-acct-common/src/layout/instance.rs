//! What an agent has to know of maps that another agent made.

use super::{FlowKey, MAX_INTERFACES, Manifest, Seed, manifest::described};
use crate::memory::Shared;

/// Bytes of an interface's name with the 0 behind it (kernel: include/uapi/linux/if.h, IFNAMSIZ).
const INTERFACE_BYTES: usize = 16;

/// How the maps are laid out, and what goes on from agent to agent.
#[repr(C)]
#[derive(Default)]
pub struct Instance {
    /// [`ABI_VERSION`](super::ABI_VERSION); 0 until all maps are filled.
    pub abi: Shared<u32>,
    /// Where the fields of all layouts are. This and [`Self::abi`] are the same in every build.
    pub manifest: Manifest,
    /// Connections at a time.
    pub max_connections: Shared<u32>,
    /// Size of the ring buffer in bytes.
    pub ring_bytes: Shared<u32>,
    /// Whether the first FIN ends a connection.
    pub close_on_first_fin: Shared<u32>,
    padding: u32,
    seed: [[Shared<u64>; 2]; FlowKey::WORDS],
    /// When the maps were made, in nanoseconds of the monotonic clock.
    pub made_ns: Shared<u64>,
    /// The number of the next record.
    pub next_record: Shared<u64>,
    /// The handle of the filters of clsact; 0 for none.
    pub filter_handle: Shared<u64>,
    /// Which hook the agent was told to take, as user space numbers them; 0 for the best.
    pub hook: Shared<u64>,
    /// The inside interfaces.
    pub inside: Names,
    /// The outside interfaces.
    pub outside: Names,
}

const _: () = assert!(
    size_of::<Instance>() == 132 + size_of::<Manifest>() + 2 * MAX_INTERFACES * INTERFACE_BYTES
);

described! {
    Instance as "instance": close_on_first_fin, next_record, filter_handle, inside, outside
}

/// The names of the interfaces of a side, in the order of the command line.
#[repr(C)]
#[derive(Default)]
pub struct Names([[Shared<u8>; INTERFACE_BYTES]; MAX_INTERFACES]);

impl Instance {
    /// The secret of the hash.
    pub fn seed(&self) -> Seed {
        Seed(
            self.seed
                .each_ref()
                .map(|pair| pair.each_ref().map(Shared::get)),
        )
    }

    /// Writes the secret of the hash.
    pub fn set_seed(&self, seed: Seed) {
        let cells = self.seed.as_flattened().iter();
        for (cell, number) in cells.zip(seed.0.into_iter().flatten()) {
            cell.set(number);
        }
    }
}

impl Names {
    /// The bytes of each name, padded with zeros; an empty name is behind the last.
    pub fn get(&self) -> [[u8; INTERFACE_BYTES]; MAX_INTERFACES] {
        let name = |cells: &[Shared<u8>; INTERFACE_BYTES]| cells.each_ref().map(Shared::get);
        self.0.each_ref().map(name)
    }

    /// Writes the names. What is longer than a name can be is cut off.
    pub fn set<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        for (cells, name) in self.0.iter().zip(names) {
            for (cell, byte) in cells[..INTERFACE_BYTES - 1].iter().zip(name.bytes()) {
                cell.set(byte);
            }
        }
    }
}
