//! The slots that user space gives free, for the program that does it. They live no longer than a run
//! of that.

use crate::memory::Shared;

/// Slots of a run: few enough that the verifier, which follows each, is soon done.
pub const MAX_RELEASED: u32 = 128;

/// An element of the kernel's array.
#[repr(C)]
#[derive(Default)]
pub struct ReleasedSlot {
    slot: Shared<u32>,
    padding: u32,
}

const _: () = assert!(size_of::<ReleasedSlot>() == 8);

impl ReleasedSlot {
    /// Writes the slot; 0 behind the last.
    pub fn set(&self, slot: u32) {
        self.slot.set(slot);
    }

    /// The slot, if it is not behind the last.
    #[inline(always)]
    pub fn get(&self) -> Option<u32> {
        match self.slot.get() {
            0 => None,
            slot => Some(slot),
        }
    }
}
