//! Where the groups are kept. Nearly each has one opening, and lives as long as the connection: such
//! a group takes no more memory than it needs ([`Kept`]), in the place of the opening's slot. Slots are
//! used again, so there are as many places as there were ever connections at a time.

use std::{hash::BuildHasher as _, hint};

use foldhash::fast::RandomState;
use hashbrown::{HashTable, hash_table::Entry};
use nat_acct_common::layout::{FlowKey, OutsideKey, OutsideSyn};

use super::{group::Group, kept::Kept, key::GroupKey};

#[derive(Default)]
pub(super) struct Groups {
    /// Who chooses numbers and ports must not choose where they go: it has a seed that nobody is told.
    hasher: RandomState,
    /// By slot.
    kept: Vec<Option<Kept>>,
    /// The slots of those, by key.
    slots: HashTable<u32>,
    /// The groups that have none, or several.
    others: HashTable<(GroupKey, Group)>,
}

impl Groups {
    pub(super) fn reserve(&mut self, slots: usize) {
        self.kept.reserve(slots);
    }

    /// Looks at a group, if there is one.
    pub(super) fn read<R>(&self, key: &GroupKey, read: impl FnOnce(&Group) -> R) -> Option<R> {
        let hash = self.hasher.hash_one(key);
        let slot = self.slots.find(hash, |slot| is_at(&self.kept, *slot, key));
        match slot.and_then(|slot| Some((*slot, at(&self.kept, *slot)?))) {
            Some((slot, kept)) => Some(read(&kept.to_group(slot))),
            None => {
                let other = self.others.find(hash, |(other, _)| other == key);
                other.map(|(_, group)| read(group))
            }
        }
    }

    /// Has the processor fetch what is kept of these groups. To wait for the memory of many at a time
    /// takes little more than to wait for that of one.
    pub(super) fn fetch(&self, keys: impl Iterator<Item = GroupKey>) {
        let hashes: Vec<_> = keys.map(|key| self.hasher.hash_one(key)).collect();
        // The first that may be it mostly is.
        let slot = |hash: &u64| self.slots.find(*hash, |_| true);
        let slots: Vec<_> = hashes.iter().filter_map(slot).collect();
        for slot in slots {
            hint::black_box(at(&self.kept, *slot).copied());
        }
    }

    /// Makes a group of an opening, if there is none with this key: mostly there is none. `false` if there
    /// is one, which is not changed.
    pub(super) fn begin(
        &mut self,
        key: GroupKey,
        client: &FlowKey,
        slot: u32,
        opened_ns: u64,
    ) -> bool {
        let hash = self.hasher.hash_one(key);
        let is_other = |(other, _): &(GroupKey, Group)| *other == key;
        if at(&self.kept, slot).is_some() || self.others.find(hash, is_other).is_some() {
            return false;
        }
        let is_it = |other: &u32| is_at(&self.kept, *other, &key);
        let hash_of = |slot: &u32| hash_of(&self.hasher, &self.kept, *slot);
        let Entry::Vacant(vacant) = self.slots.entry(hash, is_it, hash_of) else {
            return false;
        };
        vacant.insert(slot);
        keep(
            &mut self.kept,
            slot,
            Kept::of_opening(key, client, opened_ns),
        );
        true
    }

    /// Removes a group of one opening and its own sighting, which is returned: most are such. `None` for
    /// any other, which is not changed.
    pub(super) fn end(&mut self, slot: u32, key: &GroupKey) -> Option<OutsideKey> {
        let kept = at(&self.kept, slot).filter(|kept| kept.key() == key)?;
        let sighting = kept.settled()?;
        let hash = self.hasher.hash_one(key);
        let entry = self.slots.find_entry(hash, |other| *other == slot).ok()?;
        entry.remove();
        self.kept[slot as usize] = None;
        Some(sighting)
    }

    /// Notes a sighting in its group, which is made if there is none. Returns the slot of the group's
    /// only opening, if that is settled then; and whether there is no opening.
    pub(super) fn sight(
        &mut self,
        key: GroupKey,
        outside: OutsideKey,
        sighting: OutsideSyn,
    ) -> (Option<u32>, bool) {
        let hash = self.hasher.hash_one(key);
        match self.settle(hash, &key, &outside, &sighting) {
            Some(slot) => (Some(slot), false),
            None => self.change_or_make_at(hash, key, |group| {
                group.sight(outside, sighting);
                (group.settled(), group.has_no_client())
            }),
        }
    }

    /// Notes a sighting in a group of one opening, if it is that of the opening and no other is known.
    /// Returns the slot of the opening.
    fn settle(
        &mut self,
        hash: u64,
        key: &GroupKey,
        outside: &OutsideKey,
        sighting: &OutsideSyn,
    ) -> Option<u32> {
        let slot = *self
            .slots
            .find(hash, |slot| is_at(&self.kept, *slot, key))?;
        let kept = self.kept.get_mut(slot as usize)?.as_mut()?;
        kept.sight(outside, sighting).then_some(slot)
    }

    /// Changes a group, if there is one.
    pub(super) fn change<R>(
        &mut self,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        let hash = self.hasher.hash_one(key);
        self.try_change(hash, key, None, change).ok()
    }

    /// The same, for who knows the slot of an opening of the group: what is kept there need not wait for
    /// the table that says where it is.
    pub(super) fn change_at<R>(
        &mut self,
        slot: u32,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        let hash = self.hasher.hash_one(key);
        let kept_at = is_at(&self.kept, slot, &key).then_some(slot);
        self.try_change(hash, key, kept_at, change).ok()
    }

    /// Changes a group, which is made if there is none.
    pub(super) fn change_or_make<R>(
        &mut self,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> R {
        self.change_or_make_at(self.hasher.hash_one(key), key, change)
    }

    fn change_or_make_at<R>(
        &mut self,
        hash: u64,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> R {
        let changed = self.try_change(hash, key, None, change);
        changed.unwrap_or_else(|change| {
            let mut group = Group::new(key.opener);
            let result = change(&mut group);
            self.put(hash, key, group);
            result
        })
    }

    /// Changes a group where it is (in the place `kept_at`, if that is known), and takes it elsewhere only
    /// if it has another slot then or none. Returns `change` if there is no group.
    fn try_change<R, F: FnOnce(&mut Group) -> R>(
        &mut self,
        hash: u64,
        key: GroupKey,
        kept_at: Option<u32>,
        change: F,
    ) -> Result<R, F> {
        let Self {
            kept,
            slots,
            others,
            ..
        } = self;
        let is_it = |slot: &u32| match kept_at {
            Some(kept_at) => *slot == kept_at,
            None => is_at(kept, *slot, &key),
        };
        let (result, group) = if let Ok(entry) = slots.find_entry(hash, is_it) {
            let slot = *entry.get();
            let place = &mut kept[slot as usize];
            let Some(old) = place else {
                return Err(change);
            };
            let mut group = old.to_group(slot);
            let result = change(&mut group);
            match Kept::of(key, &group) {
                Some((same, new)) if same == slot => {
                    *old = new;
                    return Ok(result);
                }
                Some(_) | None => {}
            }
            *place = None;
            entry.remove();
            (result, group)
        } else if let Ok(entry) = others.find_entry(hash, |(other, _)| *other == key) {
            let ((_, mut group), _) = entry.remove();
            (change(&mut group), group)
        } else {
            return Err(change);
        };
        self.put(hash, key, group);
        Ok(result)
    }

    /// Keeps a group that is in no place, unless there is nothing in it.
    fn put(&mut self, hash: u64, key: GroupKey, group: Group) {
        if group.is_empty() {
            return;
        }
        match Kept::of(key, &group) {
            Some((slot, new)) if at(&self.kept, slot).is_none() => {
                keep(&mut self.kept, slot, new);
                let hash_of = |slot: &u32| hash_of(&self.hasher, &self.kept, *slot);
                self.slots.insert_unique(hash, slot, hash_of);
            }
            Some(_) | None => {
                let hash_of = |(key, _): &(GroupKey, Group)| self.hasher.hash_one(key);
                self.others.insert_unique(hash, (key, group), hash_of);
            }
        }
    }
}

fn is_at(kept: &[Option<Kept>], slot: u32, key: &GroupKey) -> bool {
    at(kept, slot).is_some_and(|kept| kept.key() == key)
}

fn at(kept: &[Option<Kept>], slot: u32) -> Option<&Kept> {
    kept.get(slot as usize)?.as_ref()
}

fn keep(kept: &mut Vec<Option<Kept>>, slot: u32, new: Kept) {
    let place = slot as usize;
    if place >= kept.len() {
        kept.resize_with(place + 1, || None);
    }
    kept[place] = Some(new);
}

fn hash_of(hasher: &RandomState, kept: &[Option<Kept>], slot: u32) -> u64 {
    at(kept, slot).map_or(0, |kept| hasher.hash_one(kept.key()))
}

#[cfg(test)]
mod tests {
    use nat_acct_common::{
        layout::{FlowKey, Sender, Zone},
        packet::Vlan,
    };
    use proptest::{collection::vec, prelude::*};

    use super::{super::group::Answer, *};

    #[derive(Clone, Debug)]
    enum Step {
        Open {
            slot: u32,
            opened_ns: u64,
        },
        Sight {
            translated_port: u16,
            seen: OutsideSyn,
        },
        Close {
            slot: u32,
        },
    }

    /// Each with the number of its group.
    fn steps() -> impl Strategy<Value = Vec<(u32, Step)>> {
        let open = (0..3u32, 0..4u64).prop_map(|(slot, opened_ns)| Step::Open { slot, opened_ns });
        let sight =
            (0..2u16, 0..4u64, 0..2u64).prop_map(|(translated_port, first_ns, after_ns)| {
                let last_ns = first_ns + after_ns;
                let seen = OutsideSyn { first_ns, last_ns };
                Step::Sight {
                    translated_port,
                    seen,
                }
            });
        let close = (0..3u32).prop_map(|slot| Step::Close { slot });
        vec((0..2u32, prop_oneof![open, sight, close]), 0..10)
    }

    /// Of the connection in this slot.
    fn client_of(slot: u32, outside: &OutsideKey) -> FlowKey {
        FlowKey {
            client: outside.translated,
            remote: outside.remote,
            client_port: slot as u16,
            remote_port: outside.remote_port,
            zone: Zone::new(0, Vlan::default()),
        }
    }

    /// The event of the first was lost.
    #[test]
    fn a_syn_may_be_earlier_than_when_it_was_first_heard_of() {
        let outside = OutsideKey {
            opener: Sender::Remote as u8,
            ..OutsideKey::default()
        };
        let key = GroupKey::of_sighting(&outside);
        let seen = |first_ns| OutsideSyn {
            first_ns,
            last_ns: 20,
        };
        let mut groups = Groups::default();
        assert!(groups.begin(key, &client_of(1, &outside), 1, 10));
        assert_eq!(groups.sight(key, outside, seen(20)), (None, false));
        assert_eq!(groups.sight(key, outside, seen(5)), (Some(1), false));
    }

    /// Two have entered before the opening, so either may be its own.
    #[test]
    fn so_it_is_among_several() {
        let of_remote = OutsideKey {
            opener: Sender::Remote as u8,
            ..OutsideKey::default()
        };
        let other = OutsideKey {
            translated_port: 1,
            ..of_remote
        };
        let key = GroupKey::of_sighting(&of_remote);
        let client = client_of(1, &of_remote);
        let mut groups = Groups::default();
        groups.sight(key, of_remote, OutsideSyn::at(20));
        groups.sight(key, other, OutsideSyn::at(12));
        groups.change_or_make(key, |group| group.open(client, 1, 13));
        let earlier = OutsideSyn {
            first_ns: 5,
            last_ns: 20,
        };
        groups.sight(key, of_remote, earlier);
        let answer = groups.read(&key, |group| group.answer(&client, 1, 13));
        assert_eq!(answer, Some(Answer::Ambiguous));
    }

    proptest! {
        /// Beside the long ways.
        #[test]
        fn the_short_ways_are_the_same(steps in steps(), opener in 0..2u8) {
            let (mut groups, mut expected) = (Groups::default(), Groups::default());
            for (isn, step) in steps {
                let outside = OutsideKey { opener, isn, ..OutsideKey::default() };
                let key = GroupKey::of_sighting(&outside);
                match step {
                    Step::Open { slot, opened_ns } => {
                        let client = client_of(slot, &outside);
                        let open = |group: &mut Group| group.open(client, slot, opened_ns);
                        let told = if groups.begin(key, &client, slot, opened_ns) {
                            [None, None]
                        } else {
                            groups.change_or_make(key, open)
                        };
                        prop_assert_eq!(told, expected.change_or_make(key, open));
                    }
                    Step::Sight { translated_port, seen } => {
                        let outside = OutsideKey { translated_port, ..outside };
                        let told = groups.sight(key, outside, seen);
                        let expected_told = expected.change_or_make(key, |group| {
                            group.sight(outside, seen);
                            (group.settled(), group.has_no_client())
                        });
                        prop_assert_eq!(told, expected_told);
                    }
                    Step::Close { slot } => {
                        let client = client_of(slot, &outside);
                        let close = |group: &mut Group| {
                            let answer = group.close(&client, slot, u64::MAX);
                            let mut forgotten = Vec::new();
                            if group.has_no_client() {
                                group.forget_before(u64::MAX, &mut forgotten);
                            }
                            (answer, forgotten)
                        };
                        let told = match groups.end(slot, &key) {
                            Some(sighting) => Some((Answer::Proved(sighting), vec![sighting])),
                            None => groups.change_at(slot, key, close),
                        };
                        prop_assert_eq!(told, expected.change_at(slot, key, close));
                    }
                }
                prop_assert_eq!(&groups.kept, &expected.kept);
                prop_assert_eq!(groups.slots.len(), expected.slots.len());
                prop_assert_eq!(groups.others.len(), expected.others.len());
            }
        }
    }
}
