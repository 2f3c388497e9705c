//! Records that came again, because an agent was killed while it wrote them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// A record may be written again after a kill: the same connection, with the
/// same identifier and number, and the same in all but its times.
///
/// # Panics
///
/// With two that differ in more.
pub fn without_duplicates(records: Vec<Value>) -> Result<Vec<Value>> {
    let mut by_id: BTreeMap<String, Value> = BTreeMap::new();
    for record in records {
        if let Some(earlier) = by_id.insert(record["event"]["id"].to_string(), record.clone()) {
            assert_eq!(timeless(earlier)?, timeless(record)?);
        }
    }
    Ok(by_id.into_values().collect())
}

/// Two agents compare the clocks at two moments.
fn timeless(mut record: Value) -> Result<Value> {
    let fields = record.as_object_mut().context("not an object")?;
    fields.remove("@timestamp");
    let event = fields["event"].as_object_mut().context("not an object")?;
    for time in ["start", "end", "duration"] {
        event.remove(time);
    }
    Ok(record)
}
