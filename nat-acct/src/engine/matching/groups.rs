//! Where the groups are kept. Nearly each has one opening, and lives as long as the connection: such
//! a group takes no more memory than it needs ([`Kept`]), in the place of the opening's slot. Slots are
//! used again, so there are as many places as there were ever connections at a time.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use hashbrown::HashTable;

use super::{group::Group, kept::Kept, key::GroupKey};

#[derive(Default)]
pub(super) struct Groups {
    /// Who chooses numbers and ports must not choose where they go.
    hasher: RandomState,
    /// By slot.
    kept: Vec<Option<Kept>>,
    /// The slots of those, by key.
    slots: HashTable<u32>,
    /// The groups that have none, or several.
    others: HashMap<GroupKey, Group>,
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
            None => self.others.get(key).map(read),
        }
    }

    /// Changes a group, if there is one.
    pub(super) fn change<R>(
        &mut self,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        let hash = self.hasher.hash_one(key);
        let group = self.take(hash, &key)?;
        Some(self.put_changed(hash, key, group, change))
    }

    /// Changes a group, which is made if there is none.
    pub(super) fn change_or_make<R>(
        &mut self,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> R {
        let hash = self.hasher.hash_one(key);
        let group = self.take(hash, &key);
        let group = group.unwrap_or_else(|| Group::new(key.opener));
        self.put_changed(hash, key, group, change)
    }

    fn put_changed<R>(
        &mut self,
        hash: u64,
        key: GroupKey,
        mut group: Group,
        change: impl FnOnce(&mut Group) -> R,
    ) -> R {
        let result = change(&mut group);
        if !group.is_empty() {
            self.put(hash, key, group);
        }
        result
    }

    fn take(&mut self, hash: u64, key: &GroupKey) -> Option<Group> {
        let is_at = |slot: &u32| is_at(&self.kept, *slot, key);
        let Ok(entry) = self.slots.find_entry(hash, is_at) else {
            return self.others.remove(key);
        };
        let (slot, _) = entry.remove();
        let kept = self.kept.get_mut(slot as usize).and_then(Option::take);
        kept.map(|kept| kept.to_group(slot))
    }

    fn put(&mut self, hash: u64, key: GroupKey, group: Group) {
        match Kept::of(key, &group) {
            Some((slot, kept)) if at(&self.kept, slot).is_none() => self.keep(hash, slot, kept),
            Some(_) | None => {
                self.others.insert(key, group);
            }
        }
    }

    fn keep(&mut self, hash: u64, slot: u32, new: Kept) {
        let Self {
            hasher,
            kept,
            slots,
            ..
        } = self;
        let place = slot as usize;
        if place >= kept.len() {
            kept.resize_with(place + 1, || None);
        }
        kept[place] = Some(new);
        slots.insert_unique(hash, slot, |slot| {
            at(kept, *slot).map_or(0, |kept| hasher.hash_one(kept.key()))
        });
    }
}

fn is_at(kept: &[Option<Kept>], slot: u32, key: &GroupKey) -> bool {
    at(kept, slot).is_some_and(|kept| kept.key() == key)
}

fn at(kept: &[Option<Kept>], slot: u32) -> Option<&Kept> {
    kept.get(slot as usize)?.as_ref()
}
