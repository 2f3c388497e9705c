//! The worked example, from which the rules were taken. Its captures are made from its text by
//! `cargo xtask fixtures`.

use crate::program::{Directory, Replayed};

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
