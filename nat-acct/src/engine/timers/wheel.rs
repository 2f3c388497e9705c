//! Which timers are where. Time is counted in ticks. A position holds a tick on the lowest level, and 64
//! times as many ticks on each level above; when its time comes, its timers move to a lower one.

/// About a millisecond.
const TICK_BITS: u32 = 20;
const LEVEL_BITS: u32 = 6;
/// On a level.
const POSITIONS: usize = 1 << LEVEL_BITS;
/// As many as all times take.
const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(LEVEL_BITS) as usize;
/// On all levels.
pub(super) const ALL_POSITIONS: usize = LEVELS * POSITIONS;

/// A number below [`ALL_POSITIONS`].
pub(super) type Position = u16;

/// A position whose time has come.
pub(super) enum Come {
    /// Its timers are those of one tick.
    Tick(Position),
    /// They are those of many, and belong on lower levels now.
    Ticks(Position),
}

#[derive(Default)]
pub(super) struct Wheel {
    /// Up to which tick all have been taken out, but those of the tick itself.
    tick: u64,
    /// Of each level, the positions with timers.
    occupied: [u64; LEVELS],
}

impl Wheel {
    /// Where a timer belongs; nowhere if its tick is over.
    pub(super) fn position(&self, due_ns: u64) -> Option<Position> {
        let due = due_ns >> TICK_BITS;
        if due < self.tick {
            return None;
        }
        // The highest digit in which the two differ.
        let level = (due ^ self.tick).checked_ilog2().unwrap_or(0) / LEVEL_BITS;
        let digit = due >> (level * LEVEL_BITS) & (POSITIONS as u64 - 1);
        Some((level as usize * POSITIONS) as Position + digit as Position)
    }

    /// Takes note of whether a position is empty.
    pub(super) fn note(&mut self, position: Position, is_empty: bool) {
        let (level, digit) = split(position);
        let bit = 1 << digit;
        if is_empty {
            self.occupied[level] &= !bit;
        } else {
            self.occupied[level] |= bit;
        }
    }

    /// Goes on to the next position with timers whose time has come by `now_ns`. They have to be taken
    /// out, and put where they belong now.
    pub(super) fn advance(&mut self, now_ns: u64) -> Option<Come> {
        let now = now_ns >> TICK_BITS;
        let next = self.next();
        let Some((position, tick)) = next.filter(|(_, tick)| *tick <= now) else {
            self.tick = self.tick.max(now);
            return None;
        };
        self.note(position, true);
        self.tick = tick;
        let (level, _) = split(position);
        Some(match level {
            0 => Come::Tick(position),
            _ => Come::Ticks(position),
        })
    }

    /// When the next position with timers begins.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.next().map(|(_, tick)| tick << TICK_BITS)
    }

    /// The next position with timers, and when it begins: what is on a lower level comes first.
    fn next(&self) -> Option<(Position, u64)> {
        let level = self.occupied.iter().position(|occupied| *occupied != 0)?;
        let digit = self.occupied[level].trailing_zeros();
        let shift = level as u32 * LEVEL_BITS;
        // Above this level, the digits are those of now.
        let above = self.tick >> (shift + LEVEL_BITS);
        let begins = (above << LEVEL_BITS | u64::from(digit)) << shift;
        Some(((level * POSITIONS) as Position + digit as Position, begins))
    }
}

fn split(position: Position) -> (usize, u32) {
    let position = usize::from(position);
    (position / POSITIONS, (position % POSITIONS) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_goes_down_the_levels_to_its_tick() {
        let due_ns = (3 << (2 * LEVEL_BITS) | 5) << TICK_BITS;
        let mut wheel = Wheel::default();
        let position = wheel.position(due_ns).expect("it is to come");
        assert_eq!(split(position), (2, 3));
        wheel.note(position, false);
        let begins_ns = 3 << (2 * LEVEL_BITS) << TICK_BITS;
        assert_eq!(wheel.next_ns(), Some(begins_ns));
        assert!(wheel.advance(begins_ns - 1).is_none());
        assert!(matches!(wheel.advance(begins_ns), Some(Come::Ticks(at)) if at == position));
        let position = wheel.position(due_ns).expect("it is to come");
        assert_eq!(split(position), (0, 5));
        wheel.note(position, false);
        assert!(matches!(wheel.advance(u64::MAX), Some(Come::Tick(at)) if at == position));
        assert!(wheel.advance(u64::MAX).is_none());
        assert_eq!(wheel.position(due_ns), None);
    }

    #[test]
    fn the_farthest_time_has_a_position() {
        let wheel = Wheel::default();
        let position = wheel.position(u64::MAX).expect("it is to come");
        assert!(usize::from(position) < ALL_POSITIONS);
    }
}
