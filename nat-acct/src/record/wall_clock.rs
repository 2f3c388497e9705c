//! From times of the source's clock to those of the wall clock.
//!
//! The programs in the kernel read CLOCK_MONOTONIC, which neither steps nor goes back, and stands
//! still while the machine is suspended. The wall clock differs from it by an offset that changes
//! only when somebody sets the clock, and by the length of a suspension (kernel:
//! kernel/time/timekeeping.c, tk_set_wall_to_mono). After a step the new offset is the right one
//! for all times, also for those before: the clock was wrong then. After a suspension the old one
//! stays right for the times before. CLOCK_BOOTTIME, which goes on in suspension, tells the two
//! apart. Both ends of a connection are converted alike, so no duration is false or negative.

use std::collections::VecDeque;

use jiff::Timestamp;

/// Suspensions that are remembered. Times before the oldest of them are then said too late.
const MOST_SUSPENSIONS: usize = 256;

/// Less than this is no change, but what reading several clocks cannot tell.
const TOLERANCE_NS: i128 = 100_000;

/// All clocks, read one after the other, in nanoseconds. The wall clock counts from the Unix
/// epoch.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// CLOCK_MONOTONIC, before the others.
    pub before_ns: u64,
    /// CLOCK_BOOTTIME.
    pub boot_ns: u64,
    /// CLOCK_REALTIME.
    pub wall_ns: i128,
    /// CLOCK_MONOTONIC, after the others.
    pub after_ns: u64,
}

/// What became of the wall clock since the last reading, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// By how much it was set forward.
    pub step_ns: i128,
    /// How long the machine was suspended.
    pub suspended_ns: i128,
}

/// The wall clock as the source's clock shows it.
#[derive(Clone, Debug)]
pub struct WallClock {
    /// What the wall clock shows when the source's shows 0, if the machine was never suspended
    /// after that.
    offset_ns: i128,
    /// What CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC.
    slept_ns: i128,
    suspensions: VecDeque<Suspension>,
}

#[derive(Clone, Copy, Debug)]
struct Suspension {
    /// When its end was noticed. After one, the network takes longer to come back than to be asked.
    noticed_ns: u64,
    length_ns: i128,
}

impl From<i128> for WallClock {
    /// A clock that always differs by so much.
    fn from(offset_ns: i128) -> Self {
        Self {
            offset_ns,
            slept_ns: 0,
            suspensions: VecDeque::new(),
        }
    }
}

impl From<Reading> for WallClock {
    fn from(reading: Reading) -> Self {
        Self {
            slept_ns: reading.difference(reading.boot_ns.into()),
            ..Self::from(reading.difference(reading.wall_ns))
        }
    }
}

impl WallClock {
    /// Takes note of a reading, and says what it tells.
    pub fn observe(&mut self, reading: Reading) -> Change {
        let suspended_ns = reading.change(reading.boot_ns.into(), self.slept_ns);
        if suspended_ns != 0 {
            self.slept_ns += suspended_ns;
            self.remember(Suspension {
                noticed_ns: reading.before_ns,
                length_ns: suspended_ns,
            });
        }
        let step_ns = reading.change(reading.wall_ns, self.offset_ns + suspended_ns);
        self.offset_ns += suspended_ns + step_ns;
        Change {
            step_ns,
            suspended_ns,
        }
    }

    /// Nanoseconds since the Unix epoch at `source_ns` of the source's clock.
    pub fn at(&self, source_ns: u64) -> i128 {
        let later = self.suspensions.iter().rev();
        let later = later.take_while(|suspension| suspension.noticed_ns > source_ns);
        let suspended_ns: i128 = later.map(|suspension| suspension.length_ns).sum();
        let now_ns = self.offset_ns.saturating_add(i128::from(source_ns));
        now_ns.saturating_sub(suspended_ns)
    }

    fn remember(&mut self, suspension: Suspension) {
        if self.suspensions.len() == MOST_SUSPENSIONS {
            self.suspensions.pop_front();
        }
        self.suspensions.push_back(suspension);
    }
}

impl Reading {
    /// What a clock that shows `clock_ns` is ahead of CLOCK_MONOTONIC, as well as can be said.
    fn difference(&self, clock_ns: i128) -> i128 {
        (self.least(clock_ns) + self.most(clock_ns)) / 2
    }

    /// How far `expected_ns` is from the truth; 0 as long as it may be true.
    fn change(&self, clock_ns: i128, expected_ns: i128) -> i128 {
        let least = self.least(clock_ns) - TOLERANCE_NS;
        let most = self.most(clock_ns) + TOLERANCE_NS;
        if (least..=most).contains(&expected_ns) {
            0
        } else {
            self.difference(clock_ns) - expected_ns
        }
    }

    /// How long the reading took: how far its clocks may be apart.
    pub fn took_ns(&self) -> u64 {
        self.after_ns - self.before_ns
    }

    fn least(&self, clock_ns: i128) -> i128 {
        clock_ns - i128::from(self.after_ns)
    }

    fn most(&self, clock_ns: i128) -> i128 {
        clock_ns - i128::from(self.before_ns)
    }
}

/// The time so many nanoseconds after the Unix epoch, in whole microseconds: what the formats
/// print, so that a duration equals the difference of the printed times.
pub(super) fn timestamp(since_epoch_ns: i128) -> Timestamp {
    let microseconds = match i64::try_from(since_epoch_ns) {
        // Nearly always; 128 bits are divided in a loop.
        Ok(nanoseconds) => Ok(nanoseconds.div_euclid(1000)),
        Err(_) => i64::try_from(since_epoch_ns.div_euclid(1000)),
    };
    microseconds
        .ok()
        .and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok())
        .unwrap_or_else(|| nearest(since_epoch_ns))
}

/// For a clock that is off by thousands of years.
fn nearest(since_epoch_ns: i128) -> Timestamp {
    if since_epoch_ns < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i128 = 1_000_000_000;
    const YEAR_2026: i128 = 1_795_340_520 * S;

    #[test]
    fn an_undisturbed_clock_keeps_its_offset_to_the_nanosecond() {
        let mut machine = Machine::default();
        let mut clock = WallClock::from(machine.reading(500));
        let start_ns = clock.at(7);
        for slow_ns in [2, 90_000, 3_000_000_000, 2] {
            machine.pass(S);
            assert_eq!(clock.observe(machine.reading(slow_ns)), Change::default());
        }
        assert_eq!(clock.at(7), start_ns);
    }

    #[test]
    fn a_router_that_boots_in_1970_writes_the_corrected_start() {
        let mut machine = Machine::default();
        let mut clock = WallClock::from(machine.reading(0));
        machine.pass(30 * S);
        assert_eq!(clock.at(machine.monotonic()), 30 * S);
        let opened = machine.monotonic();
        machine.pass(10 * S);
        machine.wall_ns += YEAR_2026;
        let change = clock.observe(machine.reading(0));
        assert_eq!(change.step_ns, YEAR_2026);
        assert_eq!(change.suspended_ns, 0);
        assert_eq!(clock.at(opened), YEAR_2026 + 30 * S);
        assert_eq!(clock.observe(machine.reading(0)), Change::default());
    }

    #[test]
    fn a_step_back_is_one_too_and_changes_no_duration() {
        let mut machine = Machine::default();
        let mut clock = WallClock::from(machine.reading(0));
        machine.pass(60 * S);
        let (opened, closed) = (S as u64, machine.monotonic());
        let duration = clock.at(closed) - clock.at(opened);
        machine.wall_ns -= 3600 * S;
        assert_eq!(clock.observe(machine.reading(0)).step_ns, -3600 * S);
        assert_eq!(clock.at(closed) - clock.at(opened), duration);
    }

    #[test]
    fn a_suspension_is_no_step_and_moves_no_time_before_it() {
        let mut machine = Machine {
            wall_ns: YEAR_2026,
            ..Machine::default()
        };
        let mut clock = WallClock::from(machine.reading(0));
        machine.pass(60 * S);
        let opened = machine.monotonic();
        machine.pass(60 * S);
        machine.suspend(3600 * S);
        let change = clock.observe(machine.reading(0));
        assert_eq!((change.step_ns, change.suspended_ns), (0, 3600 * S));
        machine.pass(5 * S);
        assert_eq!(clock.at(opened), YEAR_2026 + 60 * S);
        assert_eq!(clock.at(machine.monotonic()), YEAR_2026 + 3725 * S);

        // A step later corrects the times before both.
        machine.wall_ns += 7 * S;
        assert_eq!(clock.observe(machine.reading(0)).step_ns, 7 * S);
        assert_eq!(clock.at(opened), YEAR_2026 + 67 * S);
    }

    #[test]
    fn only_so_many_suspensions_are_remembered() {
        let mut machine = Machine::default();
        let mut clock = WallClock::from(machine.reading(0));
        for _ in 0..2 * MOST_SUSPENSIONS {
            machine.pass(S);
            machine.suspend(S);
            clock.observe(machine.reading(0));
        }
        assert_eq!(clock.suspensions.len(), MOST_SUSPENSIONS);
        assert_eq!(clock.at(machine.monotonic()), machine.wall_ns);
    }

    #[test]
    fn times_are_whole_microseconds() {
        check(0, "1970-01-01T00:00:00Z");
        check(1_999, "1970-01-01T00:00:00.000001Z");
        check(1_795_340_540_615_902_999, "2026-11-22T09:42:20.615902Z");
        check(-1, "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn no_clock_is_out_of_range() {
        check(i128::MIN, &Timestamp::MIN.to_string());
        check(i128::MAX, &Timestamp::MAX.to_string());
        assert_eq!(WallClock::from(i128::MAX).at(u64::MAX), i128::MAX);
    }

    fn check(since_epoch_ns: i128, expect: &str) {
        assert_eq!(timestamp(since_epoch_ns).to_string(), expect);
    }

    /// The clocks of a machine.
    #[derive(Default)]
    struct Machine {
        monotonic_ns: i128,
        boot_ns: i128,
        wall_ns: i128,
    }

    impl Machine {
        fn pass(&mut self, ns: i128) {
            self.monotonic_ns += ns;
            self.boot_ns += ns;
            self.wall_ns += ns;
        }

        fn suspend(&mut self, ns: i128) {
            self.boot_ns += ns;
            self.wall_ns += ns;
        }

        fn monotonic(&self) -> u64 {
            self.monotonic_ns.try_into().unwrap()
        }

        /// A reading that takes so long, the most of it at its end.
        fn reading(&self, slow_ns: u64) -> Reading {
            Reading {
                before_ns: self.monotonic(),
                boot_ns: self.boot_ns.try_into().unwrap(),
                wall_ns: self.wall_ns,
                after_ns: self.monotonic() + slow_ns,
            }
        }
    }
}
