//! The flow table: sets of [`WAYS`] buckets of one cache line each, and behind them spare ones for
//! what finds its set full. A bucket's number is its place; its connection stays there from its
//! opening until it is harvested. What the fast path touches of a connection, but for the counters,
//! is in its bucket.

use super::{FlowKey, PerSender, Sender, manifest::described};
use crate::memory::Shared;

/// Buckets of a set. A key may be in any bucket of its set and nowhere else, so a hole never
/// hides a bucket, and one lock a set is enough for opening and closing.
pub const WAYS: u32 = 8;

/// Buckets of all sets, for at most so many connections: so many that it is at most half full, and a power
/// of two.
pub const fn buckets_for(connections: u32) -> u32 {
    let at_least = 2 * connections;
    if at_least < WAYS {
        WAYS
    } else {
        at_least.next_power_of_two()
    }
}

/// An element of the kernel's array.
#[repr(C, align(8))]
#[derive(Default)]
pub struct Bucket {
    /// Those of the key, and its family.
    words: [Shared<u64>; FlowKey::WORDS],
    /// For each sender, the sequence number that comes next, extended to 64 bits: the lower half
    /// is the number on the wire, the upper half starts at 1 and counts wraps.
    pub next: PerSender<Shared<u64>>,
    owned_by: Shared<u32>,
    /// When the last segment was seen, in the coarse clock's ticks.
    pub last_seen_ticks: Shared<u32>,
}

const _: () = assert!(size_of::<Bucket>() == 64);

described! { Bucket as "bucket": words, next, owned_by, last_seen_ticks }

impl Bucket {
    /// Which connection the bucket belongs to.
    #[inline(always)]
    pub fn owner(&self) -> Owner {
        Owner(self.owned_by.get())
    }

    /// Makes the bucket another's, or shows or hides its connection.
    #[inline(always)]
    pub fn set_owner(&self, owner: Owner) {
        self.owned_by.set(owner.0);
    }

    /// Whether the bucket was last claimed for `key`. The owner is to be read before: while there is one,
    /// the key stays.
    #[inline(always)]
    pub fn holds(&self, key: &FlowKey) -> bool {
        let [a, b, c, d, last] = key.words();
        let cells = &self.words;
        cells[4].get() == last
            && match key.v4_bits() {
                Some([client, remote]) => {
                    cells[1].second_half() == client && cells[3].second_half() == remote
                }
                None => {
                    cells[1].get() == b
                        && cells[3].get() == d
                        && cells[0].get() == a
                        && cells[2].get() == c
                }
            }
    }

    /// The key that the bucket was last claimed for.
    #[inline(always)]
    pub fn key(&self) -> FlowKey {
        let [a, b, c, d, e] = &self.words;
        FlowKey::from_words([a.get(), b.get(), c.get(), d.get(), e.get()])
    }

    /// Writes the key and forgets all numbers; the owner is written last, by the caller.
    #[inline(always)]
    pub(crate) fn begin(&self, key: &FlowKey) {
        for (cell, word) in self.words.iter().zip(key.words()) {
            cell.set(word);
        }
        for sender in [Sender::Client, Sender::Remote] {
            self.next.get(sender).set(0);
        }
    }

    /// Changes the path of the segments that find their connection here. One that they do not find
    /// stays hidden.
    #[inline(always)]
    pub(crate) fn change_path(&self, owner: Owner) {
        if self.owner().is_live() {
            self.set_owner(owner);
        }
    }
}

/// Who a bucket belongs to, and by which path its segments go: one word, so that both change at
/// once.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner(u32);

impl Owner {
    /// The bucket may be claimed.
    pub const FREE: Self = Self(0);
    const SLOW: u32 = 1 << 31;
    const HIDDEN: u32 = 1 << 30;
    const SLOT: u32 = Self::HIDDEN - 1;

    /// An established connection with nothing special: its plain segments take the fast path.
    #[inline(always)]
    pub const fn fast(slot: u32) -> Self {
        Self(slot & Self::SLOT)
    }

    /// A connection whose segments need a look at the whole state.
    #[inline(always)]
    pub const fn slow(slot: u32) -> Self {
        Self((slot & Self::SLOT) | Self::SLOW)
    }

    /// A connection that segments do not find by their 4-tuple: it waits for an answer while an
    /// older one has the 4-tuple, or it was taken out. Then the bucket may not be claimed before each
    /// program that may still look at it has ended, and the record is written.
    #[inline(always)]
    pub const fn hidden(slot: u32) -> Self {
        Self((slot & Self::SLOT) | Self::HIDDEN)
    }

    /// Whether segments find the connection here.
    #[inline(always)]
    pub const fn is_live(self) -> bool {
        self.0 & Self::HIDDEN == 0 && self.0 & Self::SLOT != 0
    }

    /// The slot of the connection; 0 where there is none.
    #[inline(always)]
    pub const fn slot(self) -> u32 {
        self.0 & Self::SLOT
    }

    /// Whether segments find the connection here, and plain ones take the fast path.
    #[inline(always)]
    pub const fn is_fast(self) -> bool {
        // It has a slot and nothing else: one comparison.
        self.0.wrapping_sub(1) < Self::SLOT
    }
}

#[cfg(target_has_atomic = "32")]
impl Bucket {
    /// Hides the connection in `slot` from segments, on whichever path they are.
    pub fn hide(&self, slot: u32) {
        let hidden = Owner::hidden(slot);
        let shown = [Owner::slow(slot), Owner::fast(slot)];
        // One that is on neither path is hidden.
        let _ = shown
            .iter()
            .any(|owner| self.owned_by.replace(owner.0, hidden.0));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::address::address, Bucket, FlowKey, Owner};
    use crate::{layout::Zone, packet::Vlan};

    /// Addresses of both families, those of IPv6 nearly like one of IPv4.
    const ADDRESSES: [&str; 5] = [
        "192.0.2.1",
        "198.51.100.2",
        "2001:db8::ffff:c000:201",
        "2001:db8::ffff:c633:6402",
        "::192.0.2.1",
    ];

    fn keys() -> impl Iterator<Item = FlowKey> {
        let pairs = ADDRESSES
            .into_iter()
            .flat_map(|client| ADDRESSES.map(|remote| (client, remote)));
        pairs.map(|(client, remote)| FlowKey {
            client: address(client),
            remote: address(remote),
            client_port: 40_000,
            remote_port: 22,
            zone: Zone::new(15, Vlan::NONE.tagged(0x0fff).tagged(0x0fff)),
        })
    }

    #[test]
    fn a_bucket_holds_its_key_and_no_other() {
        for key in keys() {
            let bucket = Bucket::default();
            bucket.begin(&key);
            assert_eq!(bucket.key(), key);
            for other in keys() {
                assert_eq!(bucket.holds(&other), other == key, "{key:?} {other:?}");
            }
        }
    }

    #[test]
    fn only_what_is_shown_is_found_and_only_on_one_path() {
        let last = Owner::SLOT;
        let is = |owner: Owner| (owner.is_live(), owner.is_fast());
        assert_eq!(is(Owner::FREE), (false, false));
        for slot in [1, last] {
            assert_eq!(is(Owner::fast(slot)), (true, true));
            assert_eq!(is(Owner::slow(slot)), (true, false));
            assert_eq!(is(Owner::hidden(slot)), (false, false));
        }
    }
}
