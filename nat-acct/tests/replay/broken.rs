//! What may be wrong with captures: a line that says what and where, all records that could be
//! made, and a status of 1 where something was lost.

use crate::{
    program::{Directory, Replayed, payload, translated},
    traffic::{ACK, FIN, From, MORNING_NS, RST, SYN, Side, Sighting, talk, whole},
    writers::{ETHERNET, Order, PCAP, Pcap, Pcapng, framed},
};

pub const WHOLE: (u64, u64) = (300, 5_000);

#[test]
fn no_capture() {
    refuse(b"", "in: at byte 0: there is nothing to read");
    refuse(
        b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "in: at byte 0: this is no capture (neither pcap nor pcapng, also when decompressed)",
    );
    refuse(b"\x1f\x8b", "in: at byte 0: cannot read on from here: ");
    refuse(
        &PCAP.header()[..10],
        "in: at byte 0: the capture is cut off here, within a packet or a header",
    );
    refuse(
        &Pcapng::new(Order::Big).bytes[..20],
        "in: at byte 0: the capture is cut off here, within a packet or a header",
    );
}

#[test]
fn cut_off_in_the_last_packet() {
    let file = inside();
    let last = file.len() - 70;
    for length in [last + 1, last + 15, last + 16, file.len() - 1] {
        let expect = format!("in: at byte {last}: the capture is cut off here");
        check(&file[..length], &expect, 1, WHOLE);
    }
    assert_eq!(replay(&file[..last]).status, 0);
}

#[test]
fn zero_bytes_of_a_packet() {
    let mut file = inside();
    file.extend(PCAP.record(MORNING_NS, &[], 0, 0));
    file.extend(PCAP.record(MORNING_NS, &[], 0, 1500));
    check(&file, "packets read; ignored: truncated 2", 0, WHOLE);
}

#[test]
fn garbage_behind_the_header() {
    let mut file = PCAP.header();
    file.extend([0xff; 100]);
    refuse(
        &file,
        "in: at byte 24: the capture is damaged from here on: a length of 4294967295 bytes",
    );
}

#[test]
fn garbage_behind_packets() {
    let mut file = inside();
    let end = file.len();
    file.extend([0xaa; 100]);
    let expect = format!("in: at byte {end}: the capture is damaged from here on");
    check(&file, &expect, 1, WHOLE);
}

#[test]
fn more_captured_than_the_snap_length() {
    let pcap = Pcap {
        snap_len: 60,
        ..PCAP
    };
    let mut file = pcap.header();
    for sighting in whole(5000).sightings {
        if sighting.side == Side::Inside {
            file.extend(PCAP.packet(sighting.time_ns, &framed(&sighting, ETHERNET)));
        }
    }
    check(
        &file,
        "and 5 times more: a packet with more bytes captured than the",
        0,
        WHOLE,
    );
}

#[test]
fn more_captured_than_there_was() {
    let mut file = PCAP.header();
    for sighting in inside_of(5000) {
        let frame = framed(&sighting, ETHERNET);
        file.extend(PCAP.record(sighting.time_ns, &frame, frame.len() as u32, 40));
    }
    check(
        &file,
        "in: at byte 24 and 11 times more: a packet with more bytes",
        0,
        WHOLE,
    );
}

#[test]
fn short_snap_lengths() {
    let pcap = Pcap {
        snap_len: 54,
        ..PCAP
    };
    let file = pcap.file(&whole(5000).sightings, Side::Inside);
    assert_eq!(file.len(), 24 + 12 * (16 + 54));
    check(&file, " packets read", 0, WHOLE);
}

#[test]
fn an_unknown_link_type() {
    let pcap = Pcap { link: 147, ..PCAP };
    let file = pcap.file(&whole(5000).sightings, Side::Inside);
    refuse(
        &file,
        "in: at byte 24 and 11 times more: packets of link type 147 are not understood",
    );
}

#[test]
fn it_begins_in_mid_connection() {
    let mut talk = whole(5000);
    talk.sightings.drain(..6);
    let mut file = PCAP.file(&talk.sightings, Side::Inside);
    file.extend(&PCAP.file(&whole(5001).sightings, Side::Inside)[24..]);
    check(&file, "ignored: unknown_connection 9", 0, WHOLE);
}

#[test]
fn it_ends_in_mid_connection() {
    let mut open = talk(5000);
    open.open();
    open.say(From::Client, 16, 100);
    let mut half_closed = talk(5001);
    half_closed.open();
    half_closed.say(From::Client, FIN | 16, 100);
    for (talk, reason) in [(open, "capture-end"), (half_closed, "closing")] {
        let replayed = replay(&PCAP.file(&talk.sightings, Side::Inside));
        assert_eq!(replayed.only()["event"]["reason"], reason);
    }
}

#[test]
fn a_capture_is_missing() {
    let directory = Directory::new().with("in", &inside());
    let without = directory.replay("--inside in");
    let not_there = directory.replay("--inside in --outside out");
    for (replayed, status) in [(without, 0), (not_there, 1)] {
        assert_eq!(replayed.status, status);
        replayed.line("the outside is missing: no translated address can be found");
        // Nothing was proved: neither that it was blocked nor that it was intercepted.
        assert_eq!(replayed.only()["nat_acct"]["match"], "ambiguous");
        assert_eq!(payload(replayed.only()), WHOLE);
    }
    let nothing = directory.replay("--inside nowhere --outside in");
    assert_eq!((nothing.status, nothing.records.len()), (1, 0));
    nothing.line("cannot open nowhere: No such file or directory");
}

#[test]
fn an_outside_that_is_cut_off_proves_nothing() {
    let sightings: Vec<_> = [whole(5000), whole(5001)]
        .map(|talk| talk.sightings)
        .concat();
    let outside = PCAP.file(&sightings, Side::Outside);
    let outside = &outside[..outside.len() / 2 + 30];
    let directory = Directory::new()
        .with("in", &PCAP.file(&sightings, Side::Inside))
        .with("out", outside);
    let replayed = directory.replay("--inside in --outside out");
    assert_eq!(replayed.status, 1);
    assert_eq!(matched(&replayed), ["sequence", "ambiguous"]);
}

#[test]
fn an_outside_that_ends_early_proves_nothing() {
    let early = whole(5000).sightings;
    let late = later(whole(5001).sightings, 60);
    let replayed = both_sides(&[early.clone(), late].concat(), &early);
    replayed.line("the captures of the outside end at least 60 s before those of the inside");
    assert_eq!(matched(&replayed), ["sequence", "ambiguous"]);
}

#[test]
fn an_outside_that_begins_late_proves_nothing() {
    let early = whole(5000).sightings;
    let late = later(whole(5001).sightings, 60);
    let replayed = both_sides(&[early, late.clone()].concat(), &late);
    replayed.line(
        "the captures of the outside begin at least 60.0 s after those of the inside: connections \
         opened earlier were not matched",
    );
    assert_eq!(matched(&replayed), ["ambiguous", "sequence"]);
}

#[test]
fn before_the_outside_begins_nothing_is_blocked() {
    let blocked = |port| {
        let mut talk = talk(port);
        talk.say(From::Client, SYN, 0);
        talk.say(From::Remote, RST | ACK, 0);
        talk.sightings
            .retain(|sighting| sighting.side == Side::Inside);
        talk.sightings
    };
    let sightings = [
        blocked(5000),
        later(whole(5001).sightings, 60),
        later(blocked(5002), 120),
    ];
    let sightings = sightings.concat();
    let replayed = both_sides(&sightings, &sightings);
    assert_eq!(matched(&replayed), ["ambiguous", "sequence", "blocked"]);
}

/// A capture of each side.
fn both_sides(inside: &[Sighting], outside: &[Sighting]) -> Replayed {
    Directory::new()
        .with("in", &PCAP.file(inside, Side::Inside))
        .with("out", &PCAP.file(outside, Side::Outside))
        .replay("--inside in --outside out")
}

#[test]
fn an_outside_without_a_packet_proves_nothing() {
    let replayed = both_sides(&whole(5000).sightings, &[]);
    replayed.line("the captures of the outside are empty: no translated address can be found");
    assert_eq!(matched(&replayed), ["ambiguous"]);
}

fn later(mut sightings: Vec<Sighting>, seconds: u64) -> Vec<Sighting> {
    for sighting in &mut sightings {
        sighting.time_ns += seconds * 1_000_000_000;
    }
    sightings
}

/// How each record's translated address was found, in the order of the records.
fn matched(replayed: &Replayed) -> Vec<&str> {
    let records = replayed.records.iter();
    let matched = records.map(|record| record["nat_acct"]["match"].as_str());
    matched.map(Option::unwrap_or_default).collect()
}

pub fn inside() -> Vec<u8> {
    PCAP.file(&whole(5000).sightings, Side::Inside)
}

pub fn inside_of(port: u16) -> Vec<Sighting> {
    let mut sightings = whole(port).sightings;
    sightings.retain(|sighting| sighting.side == Side::Inside);
    sightings
}

pub fn replay(inside: &[u8]) -> Replayed {
    let outside = [whole(5000), whole(5001)].map(|talk| talk.sightings);
    let directory = Directory::new()
        .with("in", inside)
        .with("out", &PCAP.file(&outside.concat(), Side::Outside));
    directory.replay("--inside in --outside out")
}

/// There is a line, and yet a record.
#[track_caller]
pub fn check(inside: &[u8], line: &str, status: i32, expect: (u64, u64)) -> Replayed {
    let replayed = replay(inside);
    replayed.line(line);
    assert_eq!(payload(replayed.only()), expect);
    assert!(translated(replayed.only()).is_some());
    assert_eq!(replayed.status, status);
    replayed
}

/// There is a line, and nothing else.
#[track_caller]
fn refuse(inside: &[u8], line: &str) {
    let replayed = replay(inside);
    replayed.line(line);
    assert_eq!((replayed.records.len(), replayed.status), (0, 1));
}
