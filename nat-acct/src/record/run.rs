//! What tells the numbers of one agent from those of another: `event.sequence` counts from 0 within
//! a run, which lasts as long as the tables do, be it through several agents (`--pin`).

use std::{fmt, num::ParseIntError, str::FromStr};

use super::{
    Account, Identifier,
    digits::{as_str, put_hexadecimal},
    identifier::{Fnv, Source},
};

/// Identifies a run: everything that counts its records by one sequence of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Run(pub u64);

impl Run {
    /// That of tables which live on in the kernel: they have a number that no others of this boot
    /// have.
    pub fn of_tables(boot_id: u128, number: u32) -> Self {
        let mut hash = Fnv::new();
        hash.add(&boot_id.to_be_bytes());
        hash.add(&number.to_be_bytes());
        Self::from_hash(hash.finish())
    }

    /// That of a replay, by its first record: the same captures give the same records.
    pub fn of_first(account: &Account) -> Self {
        Self::from_hash(Identifier::of(account, None, Source::new(0)).to_bits())
    }

    /// As it is written.
    pub(super) fn text(self) -> [u8; 16] {
        let mut text = [0; 16];
        put_hexadecimal(&mut text, self.0);
        text
    }

    fn from_hash(hash: u128) -> Self {
        Self((hash >> 64) as u64 ^ hash as u64)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(as_str(&self.text()))
    }
}

impl FromStr for Run {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_is_written() {
        for run in [Run(0), Run(0x0123_4567_89ab_cdef), Run(u64::MAX)] {
            assert_eq!(run.to_string().parse(), Ok(run));
        }
    }

    #[test]
    fn boots_and_tables_differ() {
        assert_ne!(Run::of_tables(1, 7), Run::of_tables(2, 7));
        assert_ne!(Run::of_tables(1, 7), Run::of_tables(1, 8));
        assert_eq!(Run::of_tables(1, 7), Run::of_tables(1, 7));
    }
}
