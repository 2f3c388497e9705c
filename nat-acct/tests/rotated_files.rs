//! What becomes of rotated files, from every state that a killed agent may leave.

use std::{collections::BTreeMap, env, fs, path::PathBuf, process};

use jiff::Timestamp;
use nat_acct::sink::{Archive, Keep, Rotation};

const FIRST: &str = "r.jsonl.20261120T000000.000Z";
const SECOND: &str = "r.jsonl.20261121T000000.000Z";
const THIRD: &str = "r.jsonl.20261122T000000.000Z";

#[test]
fn all_but_the_newest_are_compressed() {
    check(
        &[("r.jsonl", "4"), (FIRST, "1"), (SECOND, "2"), (THIRD, "3")],
        &[
            ("r.jsonl", "4"),
            (&zst(FIRST), "1"),
            (&zst(SECOND), "2"),
            (THIRD, "3"),
        ],
    );
    check(
        &[("r.jsonl", "4"), (THIRD, "3")],
        &[("r.jsonl", "4"), (THIRD, "3")],
    );
    check(&[("r.jsonl", "4")], &[("r.jsonl", "4")]);
}

#[test]
fn what_was_interrupted_is_done_again() {
    let partial = zst(FIRST) + ".partial";
    check(
        &[(&partial, "half"), (FIRST, "1"), (SECOND, "2")],
        &[(&zst(FIRST), "1"), (SECOND, "2")],
    );
    // The plain one was to be removed next.
    check(
        &[(&zst(FIRST), "1"), (FIRST, "1"), (SECOND, "2")],
        &[(&zst(FIRST), "1"), (SECOND, "2")],
    );
    check(
        &[(&partial, "half"), (&zst(FIRST), "1")],
        &[(&zst(FIRST), "1")],
    );
}

#[test]
fn what_has_another_name_stays() {
    let others = [
        ("r.jsonl.1", "x"),
        ("s.jsonl.20261120T000000.000Z", "x"),
        ("r", "x"),
    ];
    check(&others, &others);
}

fn zst(name: &str) -> String {
    format!("{name}.zst")
}

/// Both are files by name and content; compressed ones are given by what is in them.
fn check(before: &[(&str, &str)], expect: &[(&str, &str)]) {
    let directory = fresh();
    for (name, text) in before {
        let bytes = if name.ends_with(".zst") {
            zstd::encode_all(text.as_bytes(), 0).expect("in memory")
        } else {
            text.as_bytes().to_vec()
        };
        fs::write(directory.join(name), bytes).expect("a file");
    }
    let rotation = Rotation {
        size_bytes: Some(1),
        every: None,
        compressed: true,
        keep: Keep::default(),
    };
    let archive = Archive::new(&directory.join("r.jsonl"), &rotation);
    let now = Timestamp::from_second(1_795_400_000).expect("a time");
    archive.look(now).expect("all can be done");
    let found: BTreeMap<_, _> = fs::read_dir(&directory)
        .expect("a directory")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("text");
            let bytes = fs::read(entry.path()).expect("a file");
            let bytes = if name.ends_with(".zst") {
                zstd::decode_all(&*bytes).expect("it is whole")
            } else {
                bytes
            };
            (name, String::from_utf8(bytes).expect("text"))
        })
        .collect();
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    assert_eq!(found, expect.iter().map(owned).collect());
    fs::remove_dir_all(directory).expect("it is ours");
}

fn fresh() -> PathBuf {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("nat-acct-rotated-{}-{count}", process::id());
    let directory = env::temp_dir().join(name);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}
