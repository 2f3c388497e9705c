//! docs/METRICS.md has every metric, in the words of the table here.

use std::fmt::Write as _;

use super::families::{FAMILIES, Samples};

const PAGE: &str = include_str!("../../../../docs/METRICS.md");

#[test]
fn every_metric_is_explained() {
    let mut table =
        String::from("| metric | kind | labels | what it says |\n| --- | --- | --- | --- |\n");
    for family in FAMILIES {
        let kind = match family.samples {
            Samples::Counter(_) => "counter",
            Samples::Gauge(_) => "gauge",
        };
        let (name, labels, help) = (family.name, family.labels.join(", "), family.help);
        writeln!(table, "| `{name}` | {kind} | {labels} | {help} |").expect("a string");
    }
    assert!(
        PAGE.contains(&format!("\n{table}\n")),
        "docs/METRICS.md should have this table:\n{table}"
    );
}
