//! Finding and claiming buckets. A key lives in one set of the table, in any of its buckets, or
//! else in the overflow map. A set's lock is taken to claim a bucket or to change its owner, never
//! to find one.

use super::{Runtime, Table, handle::Flow};
use crate::layout::{Bucket, Cause, Connection, FlowKey, Owner, Place, WAYS};

/// The bucket of a live connection.
#[inline(always)]
pub(super) fn find<'a, T: Table>(table: &'a T, key: &FlowKey) -> Option<&'a Bucket> {
    let home = Home::of(table, key);
    find_at(table, key, home).or_else(|| overflow(table, key))
}

#[inline(always)]
fn overflow<'a, T: Table>(table: &'a T, key: &FlowKey) -> Option<&'a Bucket> {
    let connection = table.connection(table.overflow(key)?)?;
    Some(&connection.own_bucket)
}

/// The set that a key belongs to, and the way where the search begins: one that spreads, so that
/// the first look mostly hits.
#[derive(Clone, Copy)]
struct Home {
    set: u32,
    first_way: u32,
}

impl Home {
    #[inline(always)]
    fn of<T: Table>(table: &T, key: &FlowKey) -> Self {
        let hash = key.hash(&table.seed());
        Self {
            set: hash & table.set_mask(),
            first_way: hash >> 29,
        }
    }

    /// The number of the bucket at `step` of the search.
    #[inline(always)]
    const fn bucket(self, step: u32) -> u32 {
        self.set * WAYS + (self.first_way + step) % WAYS
    }
}

#[inline(always)]
fn find_at<'a, T: Table>(table: &'a T, key: &FlowKey, home: Home) -> Option<&'a Bucket> {
    for step in 0..WAYS {
        let bucket = table.bucket(home.bucket(step))?;
        if bucket.owner().is_live() && bucket.holds(key) {
            return Some(bucket);
        }
    }
    None
}

/// What came of [`claim`].
pub(super) enum Claimed<'a> {
    /// The bucket is the connection's now.
    New(&'a Bucket),
    /// Another processor was faster with the same key.
    Existing(&'a Bucket),
}

/// Finds a bucket for `connection`, whose facts are complete, and makes `slot` its owner.
///
/// # Errors
///
/// [`Cause::NoPlace`].
#[inline(always)]
pub(super) fn claim<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    connection: &'a Connection,
    slot: u32,
) -> Result<Claimed<'a>, Cause> {
    let home = Home::of(table, key);
    if !table.lock(home.set) {
        return Err(Cause::NoPlace);
    }
    let claimed = claim_locked(table, key, connection, slot, home);
    table.unlock(home.set);
    claimed
}

#[inline(always)]
fn claim_locked<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    connection: &'a Connection,
    slot: u32,
    home: Home,
) -> Result<Claimed<'a>, Cause> {
    if let Some(bucket) = find_at(table, key, home) {
        return Ok(Claimed::Existing(bucket));
    }
    for step in 0..WAYS {
        let number = home.bucket(step);
        let bucket = table.bucket(number).ok_or(Cause::Inconsistent)?;
        if bucket.owner() == Owner::FREE {
            connection.place.set(Place::Table(number).to_bits());
            bucket.set_key(key);
            bucket.copy_numbers(&connection.own_bucket);
            bucket.set_owner(Owner::slow(slot));
            return Ok(Claimed::New(bucket));
        }
    }
    if let Some(bucket) = overflow(table, key) {
        return Ok(Claimed::Existing(bucket));
    }
    connection.place.set(Place::Overflow.to_bits());
    connection.own_bucket.set_owner(Owner::slow(slot));
    if !table.overflow_insert(key, slot) {
        return Err(Cause::NoPlace);
    }
    table.count(Cause::Overflowed);
    Ok(Claimed::New(&connection.own_bucket))
}

/// Makes `successor` the owner of the bucket of `old`, whose numbers move into its facts. Returns
/// the bucket where the successor is found from now on.
#[inline(always)]
pub(super) fn hand_over<'a, T: Table>(
    table: &'a T,
    old: &Flow<'a>,
    successor: &Flow<'a>,
) -> Result<&'a Bucket, Cause> {
    let key = old.connection.key();
    let home = Home::of(table, &key);
    if !table.lock(home.set) {
        return Err(Cause::NoPlace);
    }
    let bucket = hand_over_locked(table, &key, old, successor);
    table.unlock(home.set);
    Ok(bucket)
}

#[inline(always)]
fn hand_over_locked<'a, T: Table>(
    table: &'a T,
    key: &FlowKey,
    old: &Flow<'a>,
    successor: &Flow<'a>,
) -> &'a Bucket {
    let place = old.connection.place.get();
    old.connection.successor.set(successor.slot);
    old.connection.challenger.set(0);
    old.connection.superseded.set(true);
    successor.connection.predecessor.set(old.slot);
    successor.connection.place.set(place);
    match Place::from_bits(place) {
        Place::Table(_) => {
            old.connection.own_bucket.copy_numbers(old.bucket);
            old.bucket.copy_numbers(successor.bucket);
            old.bucket.set_owner(Owner::slow(successor.slot));
            old.bucket
        }
        Place::Overflow => {
            successor.bucket.set_owner(Owner::slow(successor.slot));
            // The element exists, so there is room for its new value.
            table.overflow_insert(key, successor.slot);
            successor.bucket
        }
    }
}
