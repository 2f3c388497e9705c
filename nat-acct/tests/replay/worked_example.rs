//! The worked example, from which the rules were taken. Its captures are made from its text by
//! `cargo xtask fixtures`.

use jiff::Timestamp;
use serde_json::Value;

use crate::program::{Directory, Replayed, payload};

const CAPTURES: [(&str, &[u8]); 2] = [
    ("br0.pcap", include_bytes!("worked-example/br0.pcap")),
    ("eth1.pcap", include_bytes!("worked-example/eth1.pcap")),
];

#[test]
fn one_sided_close() {
    check("", include_str!("worked-example/closing.jsonl"));
}

#[test]
fn close_on_first_fin() {
    check(
        "--close-on first-fin",
        include_str!("worked-example/first-fin.jsonl"),
    );
}

#[test]
fn the_summary() {
    let said = replay("").said;
    assert_eq!(
        said,
        [
            "102 packets read",
            "1 connection: 1 matched, 0 unmatched, 0 partial; 3324 bytes sent, 3540 received"
        ]
    );
}

#[test]
fn its_start_and_what_was_counted_each_ten_seconds() {
    let replayed = replay("--start-records --update-every 10s");
    let actions: Vec<_> = replayed
        .records
        .iter()
        .map(|record| &record["event"]["action"])
        .collect();
    let mut expected = vec!["nat-session-update"; 6];
    expected.insert(0, "nat-session-start");
    expected.push("nat-session-end");
    assert_eq!(actions, expected);
    let [start, updates @ .., end] = &replayed.records[..] else {
        panic!("{replayed:#?}");
    };
    for record in &replayed.records {
        assert_eq!(record["event"]["id"], end["event"]["id"]);
        assert_eq!(record["source"]["nat"], end["source"]["nat"]);
    }
    assert_eq!(start["@timestamp"], start["event"]["start"]);
    assert!(updates.is_sorted_by_key(payload));
    assert!(payload(&updates[5]) <= payload(end));
    let time = |value: &Value| -> Timestamp { value.as_str().unwrap().parse().unwrap() };
    let started = time(&start["event"]["start"]);
    for (update, count) in updates.iter().zip(1..) {
        let after = time(&update["@timestamp"]).duration_since(started);
        assert_eq!(after.as_micros(), 10_000_000 * count);
    }
}

fn check(options: &str, expect: &str) {
    let replayed = replay(options);
    assert_eq!(replayed.status, 0);
    let expect: serde_json::Value = serde_json::from_str(expect).unwrap();
    assert_eq!(*replayed.only(), expect);
}

fn replay(options: &str) -> Replayed {
    let [inside, outside] = CAPTURES;
    let directory = Directory::new()
        .with(inside.0, inside.1)
        .with(outside.0, outside.1);
    directory.replay(&format!("--inside br0.pcap --outside eth1.pcap {options}"))
}
