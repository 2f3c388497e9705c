//! What goes into the store in one transaction.

use std::mem;

use super::{place::Place, rejects::Reject};
use crate::{
    record::Told,
    store::files::{hour::Hour, row},
};

/// SQLite attaches no more than ten files at a time.
pub(super) const MOST_HOURS: usize = 8;
/// The more at once, the fewer pages of an hour are written several times; 250,000 are some 60 MB.
const MOST_RECORDS: usize = 250_000;
const MOST_REJECTED_BYTES: usize = 16 * 1024 * 1024;

/// Records in the order of their lines, and how far the lines were read for them.
#[derive(Default)]
pub(super) struct Batch {
    pub told: Vec<Told>,
    pub rejects: Vec<Reject>,
    pub places: Vec<Place>,
    /// Those of the records of ends.
    pub hours: Vec<Hour>,
    rejected_bytes: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty() && self.rejects.is_empty() && self.places.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.told.len() >= MOST_RECORDS || self.rejected_bytes >= MOST_REJECTED_BYTES
    }

    /// Whether there are not too many files to write to.
    pub(super) fn has_room_for(&self, told: &Told) -> bool {
        let hour = row::hour(told);
        self.hours.last() == Some(&hour)
            || self.hours.len() < MOST_HOURS
            || self.hours.contains(&hour)
    }

    pub(super) fn add(&mut self, mut told: Told) {
        // Most are in the same network, of which one copy is enough.
        if let Some(last) = self.told.last()
            && last.connection.network == told.connection.network
        {
            told.connection.network.clone_from(&last.connection.network);
        }
        if told.sequence.is_some() {
            let hour = row::hour(&told);
            if self.hours.last() != Some(&hour) {
                self.hours.retain(|known| *known != hour);
                self.hours.push(hour);
            }
        }
        self.told.push(told);
    }

    pub(super) fn reject(&mut self, reject: Reject) {
        self.rejected_bytes += reject.len();
        self.rejects.push(reject);
    }

    /// Notes how far a file was read: what was added until now is from before that place.
    pub(super) fn reach(&mut self, place: Place) {
        self.places
            .retain(|known| known.beginning != place.beginning);
        self.places.push(place);
    }

    pub(super) fn clear(&mut self) {
        let mut told = mem::take(&mut self.told);
        told.clear();
        *self = Self {
            told,
            ..Self::default()
        };
    }
}
