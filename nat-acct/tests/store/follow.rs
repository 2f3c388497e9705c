//! Lines that are imported while they are written and rotated.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    process::{Child, Command},
};

use nat_acct::record::{Format, Record};

use crate::{
    day::{connections, lines},
    scratch::Scratch,
};

const FOLLOW: &str = "store import --store s --follow log.jsonl";

#[test]
fn nothing_is_lost_or_doubled_through_rotations_and_kills() {
    let scratch = Scratch::new("follow");
    let records = connections(0, 4000);
    let mut parts = records.chunks(500);
    let mut file = append(&scratch);
    let mut follower = scratch.start(FOLLOW);
    // While it runs: written, rotated, and written on to the old file until the new one is begun.
    write(&mut file, parts.next().unwrap());
    fs::rename(scratch.path("log.jsonl"), scratch.path("log.jsonl.1")).unwrap();
    write(&mut file, parts.next().unwrap());
    let mut file = append(&scratch);
    write(&mut file, parts.next().unwrap());
    arrived(&scratch, 1500);
    kill(&mut follower);
    // While it does not: rotated twice, and compressed.
    write(&mut file, parts.next().unwrap());
    fs::rename(scratch.path("log.jsonl.1"), scratch.path("log.jsonl.3")).unwrap();
    fs::rename(scratch.path("log.jsonl"), scratch.path("log.jsonl.2")).unwrap();
    let gzip = Command::new("gzip")
        .arg(scratch.path("log.jsonl.2"))
        .status();
    assert!(gzip.unwrap().success());
    let mut file = append(&scratch);
    write(&mut file, parts.next().unwrap());
    fs::rename(scratch.path("log.jsonl"), scratch.path("log.jsonl.1")).unwrap();
    let mut file = append(&scratch);
    write(&mut file, parts.next().unwrap());
    // Half a line is none as yet.
    let rest = lines(parts.next().unwrap(), Format::Ecs);
    let (half, other_half) = rest.split_at(rest.len() / 2);
    file.write_all(half.as_bytes()).unwrap();
    let mut follower = scratch.start(FOLLOW);
    arrived(&scratch, 3200);
    for _ in 0..3 {
        kill(&mut follower);
        follower = scratch.start(FOLLOW);
    }
    file.write_all(other_half.as_bytes()).unwrap();
    write(&mut file, parts.next().unwrap());
    arrived(&scratch, 4000);
    kill(&mut follower);
    assert_eq!(scratch.count(), 4000);
    assert!(!scratch.path("s/rejected.jsonl").exists());
}

#[test]
fn a_file_that_is_truncated_is_read_anew() {
    let scratch = Scratch::new("truncated");
    let records = connections(0, 1000);
    let mut file = append(&scratch);
    write(&mut file, &records[..500]);
    let mut follower = scratch.start(FOLLOW);
    arrived(&scratch, 500);
    // As copytruncate does it.
    file.set_len(0).unwrap();
    write(&mut file, &records[500..]);
    arrived(&scratch, 1000);
    kill(&mut follower);
    assert_eq!(scratch.count(), 1000);
}

fn append(scratch: &Scratch) -> File {
    let path = scratch.path("log.jsonl");
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

fn write(file: &mut File, records: &[Record]) {
    file.write_all(lines(records, Format::Ecs).as_bytes())
        .unwrap();
}

fn arrived(scratch: &Scratch, least: u64) {
    scratch.wait_until(&format!("{least} records"), || {
        scratch.count_of_index() >= least
    });
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}
