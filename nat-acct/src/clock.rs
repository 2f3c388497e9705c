//! The only place where a clock is read.

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// Now, in nanoseconds of the monotonic clock, which is also the programs' (kernel:
/// bpf_ktime_get_ns).
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has a monotonic clock");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

/// Now, by the wall clock.
pub fn wall() -> Timestamp {
    Timestamp::now()
}

/// What the wall clock shows when the monotonic clock shows 0, in nanoseconds since the Unix
/// epoch.
pub fn wall_offset_ns() -> i128 {
    wall().as_nanosecond() - i128::from(monotonic_ns())
}
