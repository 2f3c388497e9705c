//! The only place where a clock is read.

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

use crate::record::Reading;

/// The start of 2025, in nanoseconds since the Unix epoch.
pub(crate) const SET_NS: i128 = 1_735_689_600_000_000_000;
/// A reading of all clocks that took no longer than this, in nanoseconds, is sharp.
const SHARP_NS: u64 = 10_000;
/// How often to try on a busy machine.
const MOST_TRIES: usize = 5;

/// Now, in nanoseconds of the monotonic clock, which is also the programs' (kernel:
/// bpf_ktime_get_ns).
pub fn monotonic_ns() -> u64 {
    u64::try_from(now_ns(ClockId::CLOCK_MONOTONIC)).expect("the monotonic clock counts from 0")
}

/// The same, up to a tick late (some milliseconds), in a tenth of the time.
pub fn monotonic_coarse_ns() -> u64 {
    u64::try_from(now_ns(ClockId::CLOCK_MONOTONIC_COARSE)).expect("it counts from 0, too")
}

/// Now, in microseconds since the Unix epoch.
pub fn wall_us() -> i64 {
    i64::try_from(now_ns(ClockId::CLOCK_REALTIME) / 1000).unwrap_or(i64::MAX)
}

/// All clocks, now.
pub fn read() -> Reading {
    let mut reading = read_once();
    for _ in 1..MOST_TRIES {
        if reading.took_ns() <= SHARP_NS {
            break;
        }
        let again = read_once();
        if again.took_ns() < reading.took_ns() {
            reading = again;
        }
    }
    reading
}

/// The wall clock, now; the Unix epoch if it shows a time that is none.
pub fn wall() -> Timestamp {
    Timestamp::from_nanosecond(now_ns(ClockId::CLOCK_REALTIME)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whether a wall clock that shows this, in nanoseconds since the Unix epoch, has been set since the
/// machine came up: one that was not shows less than [`SET_NS`].
pub fn is_set(wall_ns: i128) -> bool {
    wall_ns >= SET_NS
}

fn read_once() -> Reading {
    Reading {
        before_ns: monotonic_ns(),
        boot_ns: u64::try_from(now_ns(ClockId::CLOCK_BOOTTIME)).expect("boot time counts from 0"),
        wall_ns: now_ns(ClockId::CLOCK_REALTIME),
        after_ns: monotonic_ns(),
    }
}

fn now_ns(clock: ClockId) -> i128 {
    let now = clock_gettime(clock).expect("Linux has had these clocks since 2.6.39");
    i128::from(now.tv_sec()) * 1_000_000_000 + i128::from(now.tv_nsec())
}
