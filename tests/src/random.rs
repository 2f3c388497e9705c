//! Numbers by chance that can be had again: the seed is printed, and
//! `NAT_ACCT_SEED` sets it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::traffic::scramble;

/// The name of the environment variable with the seed.
pub const SEED: &str = "NAT_ACCT_SEED";

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From the environment, else from the clock; says which on standard error,
    /// which a test that fails shows.
    #[must_use]
    pub fn seeded() -> Self {
        let given = std::env::var(SEED)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let seed = given.unwrap_or_else(from_clock);
        eprintln!("{SEED}={seed}");
        Self(seed)
    }

    /// Any number.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        scramble(self.0)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.word() % end
    }

    /// A number of bytes to send, at most `most`: small ones, those around a
    /// segment's size, and large ones are equally frequent.
    pub fn size(&mut self, most: u64) -> u64 {
        let size = match self.below(4) {
            0 => self.below(10),
            1 => 1_420 + self.below(60),
            2 => self.below(10_000),
            _ => self.below(most),
        };
        size.min(most)
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.word().to_le_bytes())
            .flatten()
            .take(count)
            .collect()
    }
}

fn from_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::from(now.subsec_nanos()) ^ now.as_secs())
}
