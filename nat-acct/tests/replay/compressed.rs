//! Compressed captures, whatever they are called.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use crate::{
    program::{Directory, payload},
    traffic::{Side, Sighting, sorted, whole},
    writers::{PCAP, Pcapng},
};

type Compress = fn(&[u8]) -> Vec<u8>;
const BOTH: [Compress; 2] = [gzip, zstd];

#[test]
fn one_member() {
    for compress in BOTH {
        check(compress(&PCAP.file(&traffic(), Side::Inside)));
    }
}

#[test]
fn several_members() {
    for compress in BOTH {
        let file = PCAP.file(&traffic(), Side::Inside);
        let parts = file.chunks(100).map(compress);
        check(parts.collect::<Vec<_>>().concat());
    }
}

#[test]
fn a_skippable_frame_comes_first() {
    let mut file = vec![0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    file.extend(zstd(&PCAP.file(&traffic(), Side::Inside)));
    check(file);
}

#[test]
fn cut_off() {
    for compress in BOTH {
        // What is left is much more than the last block.
        let talks = (5000..5400).map(whole);
        let both = Pcapng::both(&sorted(talks), 1);
        let file = compress(&both);
        let directory = Directory::new().with("both", &file[..file.len() * 9 / 10]);
        let replayed = directory.replay("both --inside br0 --outside eth1");
        assert_eq!(replayed.status, 1);
        replayed.line("both: at byte ");
        assert!(!replayed.records.is_empty());
    }
}

fn check(inside: Vec<u8>) {
    let outside = PCAP.file(&traffic(), Side::Outside);
    let directory = Directory::new().with("in", &inside).with("out", &outside);
    let replayed = directory.replay("--inside in --outside out");
    assert_eq!(payload(replayed.only()), (300, 5_000));
    assert_eq!((replayed.status, replayed.said.len()), (0, 2));
}

fn traffic() -> Vec<Sighting> {
    whole(5000).sightings
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}
