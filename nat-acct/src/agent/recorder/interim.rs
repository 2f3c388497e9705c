//! Which of the records that wait are of connections that go on. They are written in the order in which
//! they were made, all of them, but those have room of their own: they take none from records of ends,
//! however slow the sink is.

use std::collections::VecDeque;

/// Records of connections that go on, of those that wait.
const MOST_WAITING: usize = 1_000;

#[derive(Default)]
pub(super) struct Interim {
    /// How many records of all kinds had been made when each was.
    waiting: VecDeque<u64>,
}

impl Interim {
    /// Takes note that one was made, as the last one of so many records.
    pub(super) fn made(&mut self, made: u64) {
        self.waiting.push_back(made);
    }

    /// How many wait, now that so many records are written.
    pub(super) fn waiting(&mut self, written: u64) -> usize {
        while self.waiting.front().is_some_and(|made| *made <= written) {
            self.waiting.pop_front();
        }
        self.waiting.len()
    }

    /// For how many there is room then.
    pub(super) fn room(&mut self, written: u64) -> usize {
        MOST_WAITING.saturating_sub(self.waiting(written))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_makes_room() {
        let mut interim = Interim::default();
        for made in 1..=MOST_WAITING as u64 {
            interim.made(2 * made);
        }
        assert_eq!((interim.waiting(0), interim.room(0)), (MOST_WAITING, 0));
        assert_eq!((interim.waiting(5), interim.room(5)), (MOST_WAITING - 2, 2));
        assert_eq!(interim.waiting(u64::MAX), 0);
    }
}
