//! Times as captures write them, made into nanoseconds since the Unix epoch.

/// What the unit of a capture's times is, and what they count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    scale: Scale,
    /// Seconds that are added (`if_tsoffset` of pcapng).
    offset_s: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// Nanoseconds of a unit.
    Times(u64),
    /// Units of a nanosecond.
    By(u64),
    /// A second has two to the power of this many units.
    Binary(u32),
}

impl Clock {
    /// Microseconds: pcap, and what pcapng means where it says nothing.
    pub(super) const MICROSECONDS: Self = Self {
        scale: Scale::Times(1_000),
        offset_s: 0,
    };

    /// The clock that `if_tsresol` and `if_tsoffset` describe: a resolution of `10^-n`, or of
    /// `2^-n` if the highest bit is set.
    pub(super) fn new(resolution: u8, offset_s: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let scale = if resolution & 0x80 != 0 {
            Scale::Binary(exponent)
        } else if exponent <= 9 {
            Scale::Times(10u64.pow(9 - exponent))
        } else {
            // Whoever counts in smaller units than fit has nothing but zeros in them.
            Scale::By(10u64.checked_pow(exponent - 9).unwrap_or(u64::MAX))
        };
        Self { scale, offset_s }
    }

    /// The time of `units`, at least 0 and at most what fits.
    #[inline]
    pub(super) fn ns(&self, units: u64) -> u64 {
        let ns = match self.scale {
            Scale::Times(ns) => units.saturating_mul(ns),
            Scale::By(per_ns) => units / per_ns,
            Scale::Binary(exponent) => {
                let ns = (u128::from(units) * 1_000_000_000) >> exponent;
                u64::try_from(ns).unwrap_or(u64::MAX)
            }
        };
        match self.offset_s {
            0 => ns,
            offset_s => ns.saturating_add_signed(offset_s.saturating_mul(1_000_000_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten() {
        check(6, 0, 1_500_000, 1_500_000_000);
        check(0, 0, 3, 3_000_000_000);
        check(9, 0, 1_795_340_520_000_000_001, 1_795_340_520_000_000_001);
        check(12, 0, 1_999, 1);
        check(127, 0, u64::MAX - 1, 0);
        check(0, 0, u64::MAX, u64::MAX);
    }

    #[test]
    fn powers_of_two() {
        check(0x80, 0, 3, 3_000_000_000);
        check(0x80 | 10, 0, 1024 + 512, 1_500_000_000);
        check(0x80 | 32, 0, (5 << 32) + (1 << 31), 5_500_000_000);
        check(0xff, 0, u64::MAX, 0);
        check(0x80, 0, u64::MAX, u64::MAX);
    }

    #[test]
    fn offsets() {
        check(6, 10, 1_500_000, 11_500_000_000);
        check(6, -1, 1_500_000, 500_000_000);
        check(6, -2, 1_500_000, 0);
        check(6, i64::MIN, 1_500_000, 0);
        check(6, i64::MAX, 1_500_000, i64::MAX as u64 + 1_500_000_000);
    }

    fn check(resolution: u8, offset_s: i64, units: u64, expect_ns: u64) {
        assert_eq!(Clock::new(resolution, offset_s).ns(units), expect_ns);
    }
}
