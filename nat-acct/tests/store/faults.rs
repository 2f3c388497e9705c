//! Imports that are killed, disks that are full, files that are damaged.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    process::Command,
    thread,
    time::Duration,
};

use nat_acct::record::Format;

use crate::{
    common,
    day::{connections, lines},
    scratch::Scratch,
};

#[test]
fn what_is_imported_again_changes_nothing() {
    let scratch = Scratch::new("again");
    let records = connections(0, 3000);
    scratch.write("compact.jsonl", &lines(&records, Format::Compact));
    scratch.write("ecs.jsonl", &lines(&records[..2000], Format::Ecs));
    compress("zstd -q", &scratch, "compact.jsonl");
    compress("gzip -k", &scratch, "ecs.jsonl");
    scratch.import("ecs.jsonl.gz");
    scratch.import("compact.jsonl.zst ecs.jsonl compact.jsonl");
    assert_eq!(scratch.count(), 3000);
    let ended = scratch.run("store import --store s compact.jsonl");
    assert!(
        ended.errors.contains("0 records are new, 3000 were there"),
        "{ended:?}"
    );
}

/// A record that a killed agent had written, and the next one writes again with its own reading of the
/// clock.
#[test]
fn a_record_with_other_times_is_the_same_record() {
    let scratch = Scratch::new("clock");
    let mut records = connections(0, 100);
    let mut again = records[99].clone();
    again.start = again
        .start
        .checked_add(jiff::SignedDuration::from_micros(3))
        .unwrap();
    again.written = again
        .written
        .checked_add(jiff::SignedDuration::from_hours(2))
        .unwrap();
    records.push(again);
    scratch.write("lines.jsonl", &lines(&records, Format::Compact));
    scratch.import("lines.jsonl");
    assert_eq!(scratch.count(), 100);
    scratch.import("lines.jsonl");
    assert_eq!(scratch.count(), 100);
}

#[test]
fn what_is_no_record_is_kept_and_named() {
    let scratch = Scratch::new("rejects");
    let good = common::record(&common::worked_example(), 0).to_json(Format::Ecs);
    let torn = &good[..good.len() / 2];
    scratch.write("torn.jsonl", &format!("{good}\n{{\"n\":1}}\n\n{torn}"));
    for _ in 0..2 {
        let ended = scratch.run("store import --store s torn.jsonl");
        assert_eq!(ended.status, Some(1));
        assert!(
            ended
                .errors
                .contains("torn.jsonl:2: no record: missing field"),
            "{ended:?}"
        );
        assert!(
            ended.errors.contains("torn.jsonl:4: no record: EOF"),
            "{ended:?}"
        );
        let kept = fs::read_to_string(scratch.path("s/rejected.jsonl")).unwrap();
        assert_eq!(kept, format!("{{\"n\":1}}\n{torn}\n"));
    }
    assert_eq!(scratch.count_of_index(), 1);
}

#[test]
fn killed_at_any_moment_an_import_loses_and_doubles_nothing() {
    let scratch = Scratch::new("killed");
    let records = connections(0, 40_000);
    scratch.write("day.jsonl", &lines(&records, Format::Compact));
    for round in 0..20_u64 {
        let mut import = scratch.start("store import --store s day.jsonl");
        thread::sleep(Duration::from_millis(round * 37 % 400));
        import.kill().unwrap();
        import.wait().unwrap();
        // What is there is whole, also when it was killed while it wrote.
        let checked = scratch.run("store check --store s");
        assert!(!checked.said.contains("damaged"), "{checked:?}");
        assert!(!checked.said.contains("missing:"), "{checked:?}");
    }
    scratch.import("day.jsonl");
    assert_eq!(scratch.count(), 40_000);
}

/// A disk of its own takes root.
#[test]
fn on_a_full_disk_the_store_stays_what_it_was() {
    let scratch = Scratch::new("full");
    let Some(disk) = scratch.disk("s", "2m") else {
        return;
    };
    let records = connections(0, 60_000);
    scratch.write("some.jsonl", &lines(&records[..1000], Format::Compact));
    scratch.write("all.jsonl", &lines(&records, Format::Compact));
    scratch.import("some.jsonl");
    let refused = scratch.run("store import --store s all.jsonl");
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.errors.contains("cannot write to the store"),
        "{refused:?}"
    );
    assert_eq!(scratch.count(), 1000);
    disk.grow("200m");
    scratch.import("all.jsonl");
    assert_eq!(scratch.count(), 60_000);
}

#[test]
fn a_damaged_file_is_named_and_the_rest_is_answered() {
    let scratch = Scratch::new("damaged");
    let records = connections(0, 20_000);
    scratch.write("day.jsonl", &lines(&records, Format::Compact));
    scratch.import("day.jsonl");
    let first = "s/2026-11-22T09Z.sqlite";
    let file = OpenOptions::new()
        .write(true)
        .open(scratch.path(first))
        .unwrap();
    let length = file.metadata().unwrap().len();
    file.write_all_at(&vec![0xff; length as usize - 8192], 8192)
        .unwrap();
    let checked = scratch.run("store check --store s");
    assert_eq!(checked.status, Some(1));
    assert!(
        checked.said.contains("2026-11-22T09Z.sqlite is damaged"),
        "{checked:?}"
    );
    let nobody = scratch.run("who 203.0.113.1:9 --at 2026-11-22T09:50:00Z --store s");
    assert_eq!(nobody.status, Some(3));
    assert!(
        nobody.said.contains("2026-11-22T09Z.sqlite is damaged"),
        "{nobody:?}"
    );
    // Without its file, an hour can be made again.
    fs::remove_file(scratch.path(first)).unwrap();
    let missing = scratch.run("store check --store s");
    assert!(
        missing.said.contains("cannot read s/2026-11-22T09Z.sqlite"),
        "{missing:?}"
    );
    scratch.import("day.jsonl");
    assert_eq!(scratch.count(), 20_000);
    // Without the index, nothing is proved, and all is found.
    let record = &records[100];
    let translated = record.account.translated.unwrap().endpoint;
    fs::write(scratch.path("s/index.sqlite"), [0xff; 8192]).unwrap();
    let at = record.start.as_second();
    let words = format!(
        "who {}:{} --at {at} --store s",
        translated.ip, translated.port
    );
    let found = scratch.run(&words);
    assert_eq!(found.status, Some(0), "{found:?}");
    assert!(found.said.contains("index.sqlite"), "{found:?}");
}

#[test]
fn questions_are_answered_while_an_import_runs() {
    let scratch = Scratch::new("meanwhile");
    let records = connections(0, 60_000);
    let (early, late) = records.split_at(20_000);
    scratch.write("early.jsonl", &lines(early, Format::Compact));
    scratch.write("late.jsonl", &lines(late, Format::Compact));
    scratch.import("early.jsonl");
    let record = &early[100];
    let translated = record.account.translated.unwrap().endpoint;
    let at = record.start.as_second();
    let words = format!(
        "who {}:{} --at {at} --store s",
        translated.ip, translated.port
    );
    let mut import = scratch.start("store import --store s late.jsonl");
    let mut asked = 0;
    while import.try_wait().unwrap().is_none() {
        let found = scratch.run(&words);
        assert_eq!(found.status, Some(0), "{found:?}");
        assert!(!found.said.contains("could be read"), "{found:?}");
        asked += 1;
    }
    assert!(asked > 0);
    assert_eq!(scratch.count(), 60_000);
}

#[test]
fn what_is_too_old_is_thrown_away() {
    let scratch = Scratch::new("keep");
    scratch.write("day.jsonl", &lines(&connections(0, 5000), Format::Compact));
    scratch.import("day.jsonl");
    assert!(scratch.path("s/2026-11-22T09Z.sqlite").exists());
    let kept = scratch.run("store keep --store s 5000w");
    assert_eq!(kept.said, "0 records in 0 files are gone\n");
    let gone = scratch.run("store keep --store s 1us");
    assert_eq!(gone.status, Some(0), "{gone:?}");
    assert!(gone.said.ends_with("files are gone\n"), "{gone:?}");
}

fn compress(how: &str, scratch: &Scratch, name: &str) {
    let mut words = how.split(' ');
    let mut command = Command::new(words.next().unwrap());
    let status = command
        .args(words)
        .arg(scratch.path(name))
        .status()
        .unwrap();
    assert!(status.success());
}
