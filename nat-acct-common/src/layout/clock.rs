//! Both clocks of the programs at one moment, for user space to find the length of a tick.

use crate::memory::Shared;

/// The exact and the coarse clock, read together.
#[repr(C)]
#[derive(Default)]
pub struct ClockPair {
    now_ns: Shared<u64>,
    ticks: Shared<u32>,
    padding: u32,
}

const _: () = assert!(size_of::<ClockPair>() == 16);

impl ClockPair {
    /// Writes both.
    pub fn set(&self, now_ns: u64, ticks: u32) {
        self.now_ns.set(now_ns);
        self.ticks.set(ticks);
    }

    /// Nanoseconds of the monotonic clock, and ticks of the coarse one.
    pub fn get(&self) -> (u64, u32) {
        (self.now_ns.get(), self.ticks.get())
    }
}
