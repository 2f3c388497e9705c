//! Numbers that look like chance and are the same for the same seed (SplitMix64). Not the tests'
//! source of numbers, whose seed comes from the environment.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// A number from `start` to below `end`.
    pub fn between(&mut self, start: u32, end: u32) -> u32 {
        let span = u64::from(end - start);
        // The upper half of the product is below the span.
        start + (((self.word() >> 32) * span) >> 32) as u32
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u32) -> bool {
        self.between(0, times) == 0
    }

    /// A number from 1 to `most`, whose logarithm is spread evenly: small ones are frequent, large
    /// ones carry the weight, as with the sizes of transfers.
    pub fn heavy_tailed(&mut self, most: u32) -> u32 {
        let evenly = self.between(0, 1 << 20) as f32 / (1 << 20) as f32;
        (most as f32).powf(evenly) as u32
    }
}
