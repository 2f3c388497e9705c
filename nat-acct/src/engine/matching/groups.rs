//! Where the groups are kept. Nearly each has one opening, and lives as long as the connection: such
//! a group takes no more memory than it needs ([`Kept`]), in the place of the opening's slot. Slots are
//! used again, so there are as many places as there were ever connections at a time.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

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

    /// Changes a group, if there is one.
    pub(super) fn change<R>(
        &mut self,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        let hash = self.hasher.hash_one(key);
        self.try_change(hash, key, change).ok()
    }

    /// Changes a group, which is made if there is none.
    pub(super) fn change_or_make<R>(
        &mut self,
        key: GroupKey,
        change: impl FnOnce(&mut Group) -> R,
    ) -> R {
        let hash = self.hasher.hash_one(key);
        self.try_change(hash, key, change).unwrap_or_else(|change| {
            let mut group = Group::new(key.opener);
            let result = change(&mut group);
            self.put(hash, key, group);
            result
        })
    }

    /// Changes a group where it is, and takes it elsewhere only if it has another slot then or none.
    /// Returns `change` if there is no group.
    fn try_change<R, F: FnOnce(&mut Group) -> R>(
        &mut self,
        hash: u64,
        key: GroupKey,
        change: F,
    ) -> Result<R, F> {
        let Self {
            kept,
            slots,
            others,
            ..
        } = self;
        let (result, group) =
            if let Ok(entry) = slots.find_entry(hash, |slot| is_at(kept, *slot, &key)) {
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
        let Self {
            hasher,
            kept,
            slots,
            others,
        } = self;
        match Kept::of(key, &group) {
            Some((slot, new)) if at(kept, slot).is_none() => {
                let place = slot as usize;
                if place >= kept.len() {
                    kept.resize_with(place + 1, || None);
                }
                kept[place] = Some(new);
                slots.insert_unique(hash, slot, |slot| {
                    at(kept, *slot).map_or(0, |kept| hasher.hash_one(kept.key()))
                });
            }
            Some(_) | None => {
                others.insert_unique(hash, (key, group), |(key, _)| hasher.hash_one(key));
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
