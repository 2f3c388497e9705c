//! Every variant of the formats gives the same packets.

use std::io::{Cursor, Read};

use nat_acct::capture::{Capture, Direction, Kind, Link};

use crate::writers::{
    EPB_FLAGS, ETHERNET, IF_NAME, IF_TSOFFSET, IF_TSRESOL, Order, PCAP, Pcap, Pcapng, RAW,
};

/// A time with nanoseconds, and with even 2^-n of a second.
const TIME_NS: u64 = 1_795_340_520_500_000_000;
const FRAME: [u8; 61] = [7; 61];

#[test]
fn classic_in_both_orders_and_both_units() {
    for order in [Order::Little, Order::Big] {
        for nanoseconds in [false, true] {
            let pcap = Pcap {
                order,
                nanoseconds,
                ..PCAP
            };
            let mut file = pcap.header();
            file.extend(pcap.packet(TIME_NS, &FRAME));
            file.extend(pcap.packet(TIME_NS + 1_000, &FRAME[..1]));
            check(&file, &[(TIME_NS, 61), (TIME_NS + 1_000, 1)]);
        }
    }
}

#[test]
fn nanoseconds_are_kept() {
    let pcap = Pcap {
        nanoseconds: true,
        ..PCAP
    };
    let mut file = pcap.header();
    file.extend(pcap.packet(TIME_NS + 1, &FRAME));
    check(&file, &[(TIME_NS + 1, 61)]);
}

#[test]
fn pcapng_in_both_orders() {
    for order in [Order::Little, Order::Big] {
        let mut file = Pcapng::new(order);
        file.interface(ETHERNET, &[]);
        file.packet(0, TIME_NS / 1_000, &FRAME, &[]);
        file.block(0x0bad, &[1, 2, 3, 4]);
        file.packet(0, TIME_NS / 1_000 + 1, &FRAME[..3], &[]);
        check(&file.bytes, &[(TIME_NS, 61), (TIME_NS + 1_000, 3)]);
    }
}

#[test]
fn resolutions_and_offsets() {
    let whole_s = TIME_NS / 1_000_000_000;
    let half_ms = TIME_NS / 1_000_000;
    for order in [Order::Little, Order::Big] {
        check_clock(order, 3, 0, half_ms);
        check_clock(order, 9, 0, TIME_NS);
        check_clock(order, 12, whole_s as i64, 500_000_000_000);
        check_clock(order, 0x80 | 1, 0, whole_s * 2 + 1);
        check_clock(order, 0x80 | 32, 0, (whole_s << 32) + (1 << 31));
        check_clock(order, 6, 3_600, TIME_NS / 1_000 - 3_600_000_000);
        check_clock(order, 6, -3_600, TIME_NS / 1_000 + 3_600_000_000);
    }
}

#[test]
fn sections_begin_anew() {
    let mut file = Pcapng::new(Order::Little);
    file.interface(ETHERNET, &[(IF_NAME, b"br0")]);
    file.packet(0, TIME_NS / 1_000, &FRAME, &[]);
    file.section(Order::Big);
    file.interface(RAW, &[(IF_NAME, b"ppp0"), (IF_TSRESOL, &[9])]);
    file.interface(ETHERNET, &[(IF_NAME, b"br0")]);
    file.packet(0, TIME_NS, &FRAME, &[]);
    file.packet(1, TIME_NS / 1_000, &FRAME, &[]);
    file.section(Order::Little);
    file.interface(ETHERNET, &[(IF_NAME, b"br0")]);
    file.packet(0, TIME_NS / 1_000, &FRAME, &[]);
    let mut capture = read(&file.bytes);
    let mut seen = Vec::new();
    while let Some(packet) = capture.next() {
        assert_eq!(packet.time_ns, TIME_NS);
        let name = packet.description.name.clone();
        seen.push((packet.interface, name.unwrap(), packet.link));
    }
    let expect = [
        (0, "br0", Link::Ethernet),
        (1, "ppp0", Link::Ip),
        (2, "br0", Link::Ethernet),
        // Described as in the first section: the same.
        (0, "br0", Link::Ethernet),
    ];
    assert_eq!(
        seen,
        expect.map(|(place, name, link)| (place, name.to_owned(), link))
    );
    assert_eq!(capture.interfaces().len(), 3);
    assert_eq!(capture.troubles(), []);
}

#[test]
fn directions() {
    let mut file = Pcapng::new(Order::Big);
    file.interface(ETHERNET, &[]);
    for flags in [0u32, 1, 2, 3] {
        file.packet(
            0,
            1,
            &FRAME,
            &[(1, b"a comment"), (EPB_FLAGS, &flags.to_be_bytes())],
        );
    }
    let mut capture = read(&file.bytes);
    let mut seen = Vec::new();
    while let Some(packet) = capture.next() {
        seen.push(packet.direction);
    }
    assert_eq!(
        seen,
        [None, Some(Direction::In), Some(Direction::Out), None]
    );
}

#[test]
fn simple_packets_have_the_time_of_the_one_before() {
    let mut file = Pcapng::new(Order::Little);
    file.interface(ETHERNET, &[]);
    file.packet(0, TIME_NS / 1_000, &FRAME, &[]);
    file.simple_packet(&FRAME[..5]);
    check(&file.bytes, &[(TIME_NS, 61), (TIME_NS, 5)]);
}

#[test]
fn an_unknown_link_type_is_named_once() {
    let pcap = Pcap { link: 147, ..PCAP };
    let mut file = pcap.header();
    file.extend(pcap.packet(TIME_NS, &FRAME));
    file.extend(pcap.packet(TIME_NS, &FRAME));
    let mut capture = read(&file);
    while let Some(packet) = capture.next() {
        assert_eq!(packet.payload(), None);
        capture.note_link_type();
    }
    let [trouble] = capture.troubles() else {
        panic!("{:?}", capture.troubles());
    };
    assert_eq!(
        (&trouble.kind, trouble.offset, trouble.times),
        (&Kind::LinkType(147), 24, 2)
    );
}

fn check_clock(order: Order, resolution: u8, offset_s: i64, units: u64) {
    let offset = match order {
        Order::Little => offset_s.to_le_bytes(),
        Order::Big => offset_s.to_be_bytes(),
    };
    let mut file = Pcapng::new(order);
    file.interface(
        ETHERNET,
        &[(IF_TSRESOL, &[resolution]), (IF_TSOFFSET, &offset)],
    );
    file.packet(0, units, &FRAME, &[]);
    check(&file.bytes, &[(TIME_NS, 61)]);
}

/// Also when the bytes come one by one.
#[track_caller]
fn check(file: &[u8], expect: &[(u64, usize)]) {
    for bytes_a_read in [usize::MAX, 1] {
        let slow = Slow(Cursor::new(file.to_vec()), bytes_a_read);
        let mut capture = Capture::read("test", slow);
        let mut seen = Vec::new();
        while let Some(packet) = capture.next() {
            assert!(packet.bytes.iter().all(|byte| *byte == 7));
            assert_eq!(packet.original_len as usize, packet.bytes.len());
            seen.push((packet.time_ns, packet.bytes.len()));
        }
        assert_eq!(seen, expect);
        assert_eq!(capture.troubles(), []);
    }
}

fn read(file: &[u8]) -> Capture {
    Capture::read("test", Cursor::new(file.to_vec()))
}

/// Brings so many bytes at a time.
pub struct Slow<R>(pub R, pub usize);

impl<R: Read> Read for Slow<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(self.1);
        self.0.read(&mut into[..count])
    }
}
