//! Finding and claiming buckets. A key lives in one set of the table, in any of its buckets, or
//! else in a spare bucket, where the overflow map finds it. A set's lock is taken to claim a bucket
//! or to show another connection for a key, never to find one.

use super::{Runtime, Table, handle::Flow};
use crate::layout::{Bucket, Cause, Connection, FlowKey, Owner, WAYS};

/// The bucket of a live connection, and its place.
#[inline(always)]
pub(super) fn find<'a, T: Table>(table: &'a T, key: &FlowKey) -> Option<(&'a Bucket, u32)> {
    find_live(table, key, Home::of(table, key))
}

/// Where to look for a connection whose plain segments take the fast path.
#[derive(Clone, Copy)]
pub(super) struct Search(Home);

impl Search {
    #[inline(always)]
    pub fn for_key<T: Table>(table: &T, key: &FlowKey) -> Self {
        Self(Home::of(table, key))
    }

    /// Looks where it is mostly. The key is asked for when there is something to compare it with.
    #[inline(always)]
    pub fn first<T: Table>(
        self,
        table: &T,
        key: impl FnOnce() -> FlowKey,
    ) -> Option<(&Bucket, u32)> {
        let place = self.0.0;
        let bucket = table.bucket(place)?;
        (bucket.owner().is_fast() && bucket.holds(&key())).then_some((bucket, place))
    }

    /// Looks in the whole set.
    #[inline(always)]
    pub fn further<'t, T: Table>(self, table: &'t T, key: &FlowKey) -> Option<(&'t Bucket, u32)> {
        let place = fast_place(table, key, self.0);
        Some((table.bucket(place)?, place))
    }
}

/// The place in a set of a connection whose plain segments take the fast path, or [`NOWHERE`]: a number, as
/// functions of programs return nothing larger. Not inlined: where the first look hits, nothing is to be
/// ready for the next.
#[inline(never)]
fn fast_place<T: Table>(table: &T, key: &FlowKey, home: Home) -> u32 {
    match find_in_set(table, key, home) {
        Some((bucket, place)) if bucket.owner().is_fast() => place,
        _ => NOWHERE,
    }
}

/// No bucket is there.
const NOWHERE: u32 = u32::MAX;

#[inline(always)]
fn find_live<'a, T: Table>(table: &'a T, key: &FlowKey, home: Home) -> Option<(&'a Bucket, u32)> {
    find_in_set(table, key, home).or_else(|| overflow(table, key))
}

#[inline(always)]
fn find_in_set<'a, T: Table>(table: &'a T, key: &FlowKey, home: Home) -> Option<(&'a Bucket, u32)> {
    for step in 0..WAYS {
        let place = home.place(step);
        let bucket = table.bucket(place)?;
        if bucket.owner().is_live() && bucket.holds(key) {
            return Some((bucket, place));
        }
    }
    None
}

#[inline(always)]
fn overflow<'a, T: Table>(table: &'a T, key: &FlowKey) -> Option<(&'a Bucket, u32)> {
    let place = table.overflow(key)?;
    let bucket = table.bucket(place)?;
    bucket.owner().is_live().then_some((bucket, place))
}

/// The place where the search for a key begins: in the set that the key belongs to, and in a way that
/// spreads, so that the first look mostly hits.
#[derive(Clone, Copy)]
struct Home(u32);

impl Home {
    #[inline(always)]
    fn of<T: Table>(table: &T, key: &FlowKey) -> Self {
        Self(key.hash(|word| table.seed(word)) & table.bucket_mask())
    }

    #[inline(always)]
    const fn set(self) -> u32 {
        self.0 / WAYS
    }

    /// The place at `step` of the search.
    #[inline(always)]
    const fn place(self, step: u32) -> u32 {
        self.set() * WAYS + (self.0 + step) % WAYS
    }
}

/// The set that `key` belongs to.
#[cfg(target_has_atomic = "32")]
pub(super) fn set_of<T: Table>(table: &T, key: &FlowKey) -> u32 {
    Home::of(table, key).set()
}

/// What came of [`claim`].
pub(super) enum Claimed<'a> {
    /// The bucket is the connection's now.
    New(&'a Bucket),
    /// Another processor was faster with the same key.
    Existing(&'a Bucket),
}

/// Who is to have a bucket.
pub(super) struct Claimant<'a> {
    pub slot: u32,
    /// Its facts, which are complete but for the place.
    pub connection: &'a Connection,
    /// The next number of the opener.
    pub next: u64,
    /// Whether segments do not find it yet, because another has the key.
    pub is_hidden: bool,
}

/// Finds a place for a connection with `key`, notes it in the facts, and begins the bucket.
///
/// # Errors
///
/// [`Cause::NoPlace`].
#[inline(always)]
pub(super) fn claim<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    claimant: &Claimant<'a>,
) -> Result<Claimed<'a>, Cause> {
    let home = Home::of(table, key);
    if !table.lock(home.set()) {
        return Err(Cause::NoPlace);
    }
    let claimed = claim_locked(table, key, claimant, home);
    table.unlock(home.set());
    claimed
}

#[inline(always)]
fn claim_locked<'a, T: Runtime>(
    table: &'a T,
    key: &FlowKey,
    claimant: &Claimant<'a>,
    home: Home,
) -> Result<Claimed<'a>, Cause> {
    if !claimant.is_hidden
        && let Some((bucket, _)) = find_live(table, key, home)
    {
        return Ok(Claimed::Existing(bucket));
    }
    let connection = claimant.connection;
    let bucket = free_bucket(table, connection, home)
        .or_else(|| spare_bucket(table, connection))
        .ok_or(Cause::NoPlace)?;
    bucket.begin(key);
    bucket.next.get(connection.opener()).set(claimant.next);
    bucket.last_seen_ticks.set(connection.opened_ticks.get());
    if claimant.is_hidden {
        bucket.set_owner(Owner::hidden(claimant.slot));
        return Ok(Claimed::New(bucket));
    }
    let flow = Flow {
        slot: claimant.slot,
        connection,
        bucket,
        place: connection.place_number.get(),
    };
    if !show(table, key, &flow) {
        bucket.set_owner(Owner::FREE);
        table.return_spare(flow.place);
        return Err(Cause::NoPlace);
    }
    Ok(Claimed::New(bucket))
}

#[inline(always)]
fn free_bucket<'a, T: Table>(
    table: &'a T,
    connection: &Connection,
    home: Home,
) -> Option<&'a Bucket> {
    for step in 0..WAYS {
        let place = home.place(step);
        let bucket = table.bucket(place)?;
        if bucket.owner() == Owner::FREE {
            connection.place_number.set(place);
            return Some(bucket);
        }
    }
    None
}

#[inline(always)]
fn spare_bucket<'a, T: Runtime>(table: &'a T, connection: &Connection) -> Option<&'a Bucket> {
    let place = table.take_spare()?;
    connection.place_number.set(place);
    table.count(Cause::Overflowed);
    table.bucket(place)
}

/// Has segments with `key` find `flow`; `false` when the overflow map is full.
#[inline(always)]
pub(super) fn show<T: Table>(table: &T, key: &FlowKey, flow: &Flow<'_>) -> bool {
    flow.bucket.set_owner(Owner::slow(flow.slot));
    !table.is_spare(flow.place) || table.overflow_insert(key, flow.place)
}

/// Has segments with the key of `old` find `successor` instead.
///
/// # Errors
///
/// [`Cause::NoPlace`].
#[inline(always)]
pub(super) fn hand_over<T: Table>(
    table: &T,
    old: &Flow<'_>,
    successor: &Flow<'_>,
) -> Result<(), Cause> {
    let key = old.bucket.key();
    let home = Home::of(table, &key);
    if !table.lock(home.set()) {
        return Err(Cause::NoPlace);
    }
    let is_shown = show(table, &key, successor);
    if is_shown {
        old.bucket.set_owner(Owner::hidden(old.slot));
        if table.is_spare(old.place) && !table.is_spare(successor.place) {
            table.overflow_remove(&key);
        }
    } else {
        successor.bucket.set_owner(Owner::hidden(successor.slot));
    }
    table.unlock(home.set());
    if !is_shown {
        return Err(Cause::NoPlace);
    }
    old.connection.successor.set(successor.slot);
    old.connection.challenger.set(0);
    old.connection.superseded.set(true);
    successor.connection.predecessor.set(old.slot);
    Ok(())
}
