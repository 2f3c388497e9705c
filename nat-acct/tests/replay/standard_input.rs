//! Captures from standard input, as `tcpdump -w -` writes them.

use std::{
    io::{BufRead as _, BufReader, Write},
    process::{Child, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    compressed::gzip,
    program::{Directory, Replayed, payload, translated},
    traffic::{Side, Talk, sorted, whole},
    writers::{ETHERNET, PCAP, Pcap, Pcapng, SLL2},
};

const TWO_SIDES: &str = "- --inside br0 --outside eth1";

#[test]
fn byte_by_byte() {
    let file = Pcapng::both(&whole(5000).sightings, ETHERNET);
    check(TWO_SIDES, &file, 1);
    check(TWO_SIDES, &gzip(&file), 1);
}

#[test]
fn at_once() {
    check(
        TWO_SIDES,
        &Pcapng::both(&whole(5000).sightings, ETHERNET),
        usize::MAX,
    );
    let pcap = Pcap { link: SLL2, ..PCAP };
    let mut file = pcap.header();
    for sighting in whole(5000).sightings {
        let frame = crate::writers::framed(&sighting, SLL2);
        file.extend(pcap.packet(sighting.time_ns, &frame));
    }
    check("- --inside #3 --outside #7", &file, usize::MAX);
}

#[test]
fn one_side_only() {
    let sightings = whole(5000).sightings;
    let directory = Directory::new().with("out", &PCAP.file(&sightings, Side::Outside));
    let mut child = start(&directory, "--inside - --outside out");
    feed(&mut child, &PCAP.file(&sightings, Side::Inside), usize::MAX);
    let replayed = Replayed::new(child.wait_with_output().unwrap());
    assert_eq!(translated(replayed.only()), Some(5000 ^ 0x5555));
}

#[test]
fn records_come_while_the_capture_goes_on() {
    let mut later = whole(6000);
    delay(&mut later, 5_000_000_000);
    let file = Pcapng::both(&sorted([whole(5000), later]), ETHERNET);
    let directory = Directory::new();
    let mut child = start(&directory, TWO_SIDES);
    let mut input = child.stdin.take().unwrap();
    // All but the last packet.
    input.write_all(&file[..file.len() - 80]).unwrap();
    input.flush().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("\"port\":5000"), "{first}");
    drop(input);
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(rest.len(), 1);
    assert_eq!(
        child.wait().unwrap().code(),
        Some(1),
        "a packet was cut off"
    );
}

#[test]
fn a_signal_is_the_end_of_the_capture() {
    let mut later = whole(6000);
    delay(&mut later, 5_000_000_000);
    let file = Pcapng::both(&sorted([whole(5000), later]), ETHERNET);
    let directory = Directory::new();
    let mut child = start(&directory, TWO_SIDES);
    let mut input = child.stdin.take().unwrap();
    input.write_all(&file).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let process = Pid::from_raw(child.id().cast_signed());
    kill(process, Signal::SIGINT).unwrap();
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(rest.len(), 1, "what was read gives its records");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(input);
}

#[test]
fn a_reader_who_leaves() {
    let talks = (1000..3000).map(whole);
    let file = Pcapng::both(&sorted(talks), ETHERNET);
    let directory = Directory::new().with("both", &file);
    let mut command = directory.command("both --inside br0 --outside eth1");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

fn delay(talk: &mut Talk, by_ns: u64) {
    for sighting in &mut talk.sightings {
        sighting.time_ns += by_ns;
    }
}

fn check(args: &str, file: &[u8], bytes_a_write: usize) {
    let directory = Directory::new();
    let mut child = start(&directory, args);
    feed(&mut child, file, bytes_a_write);
    let replayed = Replayed::new(child.wait_with_output().unwrap());
    assert_eq!(payload(replayed.only()), (300, 5_000));
    assert_eq!(translated(replayed.only()), Some(5000 ^ 0x5555));
    assert_eq!(replayed.status, 0);
}

fn start(directory: &Directory, args: &str) -> Child {
    let mut command = directory.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// Beside the reader, so that the pipe may be full.
fn feed(child: &mut Child, file: &[u8], bytes_a_write: usize) {
    let mut input = child.stdin.take().unwrap();
    let file = file.to_vec();
    thread::spawn(move || {
        for part in file.chunks(bytes_a_write) {
            input.write_all(part).unwrap();
        }
    });
}
