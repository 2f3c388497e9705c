//! What stays in the kernel's tables although it is recorded: until the record is written, an agent
//! that comes after this one must find all that it was made from.

use std::collections::VecDeque;

use nat_acct_common::{flow::Retired, layout::OutsideKey};

#[derive(Default)]
pub(super) struct Unwritten {
    /// With how many records had been made when it came here.
    connections: VecDeque<(u64, Retired)>,
    sightings: VecDeque<(u64, OutsideKey)>,
}

impl Unwritten {
    /// Keeps a connection until so many records are written.
    pub(super) fn keep_connection(&mut self, retired: Retired, made: u64) {
        self.connections.push_back((made, retired));
    }

    /// Keeps a SYN on the outside, likewise.
    pub(super) fn keep_sighting(&mut self, key: OutsideKey, made: u64) {
        self.sightings.push_back((made, key));
    }

    /// The next connection that need not be kept any more, now that so many records are written.
    pub(super) fn next_connection(&mut self, written: u64) -> Option<Retired> {
        next(&mut self.connections, written)
    }

    /// The next SYN, likewise.
    pub(super) fn next_sighting(&mut self, written: u64) -> Option<OutsideKey> {
        next(&mut self.sightings, written)
    }
}

fn next<T>(kept: &mut VecDeque<(u64, T)>, written: u64) -> Option<T> {
    let &(made, _) = kept.front()?;
    if made > written {
        return None;
    }
    kept.pop_front().map(|(_, thing)| thing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sighting_is_kept_until_the_record_before_it_is_written() {
        let key = |isn| OutsideKey {
            isn,
            ..OutsideKey::default()
        };
        let mut unwritten = Unwritten::default();
        unwritten.keep_sighting(key(0), 0);
        unwritten.keep_sighting(key(1), 1);
        assert_eq!(unwritten.next_sighting(0), Some(key(0)));
        assert_eq!(unwritten.next_sighting(0), None);
        assert_eq!(unwritten.next_sighting(1), Some(key(1)));
        assert_eq!(unwritten.next_sighting(1), None);
    }
}
