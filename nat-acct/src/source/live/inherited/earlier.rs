//! Up to ABI 5 a connection had a bucket of its own among its facts: its key was there, and its
//! numbers, too, while it had none in the flow table. Its counters were by slot. Here each gets the
//! bucket and the counters whose number is its slot.

use std::mem;

use anyhow::{Context as _, Result};
use nat_acct_common::layout::{Bucket, Connection, Owner};

use super::{layout::Layout, remains::Left};

/// What a bucket's owner was called: the word had no connections that wait for an answer.
const OWNER: [&str; 2] = ["bucket.owner", "bucket.owned_by"];
/// What the words of a bucket's key were called up to ABI 8. They did not say the family.
const WORDS: [&str; 2] = ["bucket.key", "bucket.words"];
const OWN_BUCKET: &str = "connection.own_bucket";
/// The number of the bucket in the flow table, or another that no bucket has.
const PLACE: &str = "connection.place";

/// Gives what has another name now that name, where nothing else is to be done.
pub(super) fn rename(layout: &mut Layout) {
    layout.rename(WORDS);
}

/// Where these are among the facts.
pub(super) struct OwnBuckets {
    own_bucket: usize,
    place: usize,
}

impl OwnBuckets {
    /// `None` if there are none, which is so since ABI 6.
    pub(super) fn of(layout: &mut Layout) -> Option<Self> {
        let own_bucket = layout.offset(OWN_BUCKET)?;
        let place = layout.offset(PLACE)?;
        layout.rename(OWNER);
        Some(Self { own_bucket, place })
    }

    /// The connections, whose facts are these bytes, and the bucket of each.
    pub(super) fn table(
        &self,
        layout: &Layout,
        connections: impl Iterator<Item = Vec<u8>>,
        mut in_table: Vec<Bucket>,
    ) -> Result<Left> {
        let (mut all, mut buckets) = (Vec::new(), Vec::new());
        for (slot, bytes) in (0..).zip(connections) {
            let place = bytes.get(self.place..).and_then(<[u8]>::first_chunk);
            let place = place.context("its facts are cut off")?;
            let place = u32::from_ne_bytes(*place) as usize;
            let shared = in_table.get_mut(place);
            let bucket = match shared.filter(|bucket| bucket.owner().slot() == slot) {
                Some(bucket) => mem::take(bucket),
                None => {
                    let own = bytes.get(self.own_bucket..);
                    let own: Bucket = layout.translate(own.unwrap_or_default())?;
                    own.set_owner(Owner::hidden(slot));
                    own
                }
            };
            let connection: Connection = layout.translate(&bytes)?;
            connection.place_number.set(slot);
            all.push(connection);
            buckets.push(bucket);
        }
        Ok(Left {
            connections: all,
            buckets,
        })
    }
}

#[cfg(test)]
mod tests {
    use nat_acct_common::flow::{CoarseClock, Facts};

    use super::*;

    const BYTES: usize = 80;

    /// A connection that was opened at `slot` nanoseconds.
    fn facts(slot: u8, place: u32) -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        bytes[0] = slot;
        bytes[72..76].copy_from_slice(&place.to_ne_bytes());
        bytes
    }

    #[test]
    fn each_has_its_own_bucket_or_that_in_the_table() -> Result<()> {
        let mut layout = Layout::of(&[
            ("connection.opened_ns", (0, 8)),
            (OWN_BUCKET, (8, 64)),
            (PLACE, (72, 4)),
            ("bucket.key", (0, 40)),
            ("bucket.next", (40, 16)),
            ("bucket.owner", (56, 4)),
            ("bucket.last_seen_ticks", (60, 4)),
        ]);
        rename(&mut layout);
        let own_buckets = OwnBuckets::of(&mut layout).context("there are some")?;
        let owned = |slot| {
            let bucket = Bucket::default();
            bucket.set_owner(Owner::fast(slot));
            bucket.last_seen_ticks.set(9);
            bucket
        };
        // Slot 1 has the bucket at 1, slot 2 waits for it, and slot 3 is in the overflow map.
        let in_table = vec![owned(7), owned(1)];
        let connections = [(0, 0), (1, 1), (2, 1), (3, u32::MAX)];
        let connections = connections
            .into_iter()
            .map(|(slot, place)| facts(slot, place));
        let left = own_buckets.table(&layout, connections, in_table)?;
        let ticks = left
            .buckets
            .iter()
            .map(|bucket| bucket.last_seen_ticks.get());
        assert_eq!(ticks.collect::<Vec<_>>(), [0, 9, 0, 0]);
        let clock = CoarseClock {
            tick_ns: 1,
            now_ns: 0,
        };
        for slot in 1..=3 {
            let read = Facts::read(&left, slot, clock).map(|facts| facts.opened_ns);
            assert_eq!(read, Some(slot.into()));
        }
        Ok(())
    }

    #[test]
    fn since_then_there_are_none() {
        let mut layout = Layout::of(&[("connection.place_number", (0, 4))]);
        assert!(OwnBuckets::of(&mut layout).is_none());
    }
}
