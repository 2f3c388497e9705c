//! The README explains every field of a record, and every reason and match that there is.

use nat_acct::record::{Format, schema};
use serde_json::Value;

const README: &str = include_str!("../../README.md");
const GOLDEN: &str = include_str!("golden/ecs.jsonl");

#[test]
fn every_field_is_explained() {
    for line in GOLDEN.lines() {
        let record: Value = serde_json::from_str(line).expect("a golden record");
        for field in leaves("", &record) {
            assert!(README.contains(&format!("`{field}`")), "{field} is missing");
        }
    }
}

#[test]
fn every_reason_and_match_is_explained() {
    let schema = serde_json::to_value(schema(Format::Ecs)).expect("a schema");
    for kind in ["Reason", "Matched"] {
        let values = schema["$defs"][kind]["oneOf"].as_array();
        for value in values.expect("the values of an enumeration") {
            let name = value["const"].as_str().expect("a name");
            assert!(README.contains(&format!("`{name}`")), "{name} is missing");
        }
    }
}

fn leaves(path: &str, value: &Value) -> Vec<String> {
    let Value::Object(members) = value else {
        return vec![path.to_owned()];
    };
    let below = members.iter().map(|(name, member)| {
        let separator = if path.is_empty() { "" } else { "." };
        leaves(&format!("{path}{separator}{name}"), member)
    });
    below.flatten().collect()
}
