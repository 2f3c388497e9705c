//! What proves that no record is missing: their numbers.

use std::collections::BTreeSet;

use serde_json::Value;

/// `event.sequence` counts from 0 in the order of the records, and no `event.id`
/// comes twice.
///
/// # Panics
///
/// With the first record of which that is not true.
#[track_caller]
pub fn assert_numbered(records: &[Value]) {
    assert_numbered_from(0, records);
}

/// The same, counting from another number.
///
/// # Panics
///
/// As [`assert_numbered`].
#[track_caller]
pub fn assert_numbered_from(first: u64, records: &[Value]) {
    let mut ids = BTreeSet::new();
    for (expected, record) in (first..).zip(records) {
        let sequence = record["event"]["sequence"].as_u64();
        assert_eq!(sequence, Some(expected), "{record}");
        let id = record["event"]["id"].as_str().expect("a record has an id");
        assert!(ids.insert(id), "{id} is there twice");
    }
}
