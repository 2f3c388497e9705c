//! Behind every link-layer header the parser finds the same segment.

use std::io::Cursor;

use nat_acct::capture::{Capture, Direction, Payload};
use nat_acct_common::packet::{self, Frame, Vlan};

use crate::{
    traffic::{Side, whole},
    writers::{ETHERNET, INSIDE_INDEX, PCAP, Pcap, RAW, SLL, SLL2, framed},
};

const TAG: [u8; 4] = [0x81, 0x00, 0x00, 0x11];
const OUTER_TAG: [u8; 4] = [0x88, 0xa8, 0x00, 0x22];
const PPPOE: [u8; 8] = [0x11, 0, 0, 1, 0, 42, 0x00, 0x21];

#[test]
fn all_link_types() {
    check(ETHERNET, &[], None, None);
    check(SLL, &[], None, Some(Direction::In));
    check(SLL2, &[], Some(INSIDE_INDEX), Some(Direction::In));
    for raw in [RAW, 12, 14, 228, 229] {
        check(raw, &[], None, None);
    }
}

#[test]
fn tags() {
    check(ETHERNET, &TAG, None, None);
    check(SLL, &TAG, None, Some(Direction::In));
    check(SLL2, &TAG, Some(INSIDE_INDEX), Some(Direction::In));
    let both = [OUTER_TAG, TAG].concat();
    check(ETHERNET, &both, None, None);
    check(SLL, &both, None, Some(Direction::In));
    check(SLL2, &both, Some(INSIDE_INDEX), Some(Direction::In));
}

#[test]
fn pppoe() {
    let mut frame = framed(&whole(5000).sightings[0], SLL2);
    frame.splice(20..20, PPPOE);
    frame[..2].copy_from_slice(&[0x88, 0x64]);
    with_payload(SLL2, &frame, |payload| {
        assert!(segment(&payload.expect("a payload")).opens());
    });
}

#[test]
fn what_is_too_short_or_no_ip() {
    for (link, header_len) in [(SLL, 16), (SLL2, 20)] {
        let frame = framed(&whole(5000).sightings[0], link);
        with_payload(link, &frame[..header_len - 1], |payload| {
            assert_eq!(payload, None);
        });
        let mut arp = frame;
        let protocol = if link == SLL { 14 } else { 0 };
        arp[protocol + 1] = 6;
        with_payload(link, &arp, |payload| {
            parse(&payload.expect("a header")).expect_err("no IP");
        });
    }
}

/// Puts tags before the protocol of the first packet of a conversation.
#[track_caller]
fn check(link: u32, tags: &[u8], index: Option<u32>, direction: Option<Direction>) {
    let sighting = &whole(5000).sightings[0];
    assert_eq!(sighting.side, Side::Inside);
    let mut frame = framed(sighting, link);
    if !tags.is_empty() {
        tag(&mut frame, link, tags);
    }
    with_payload(link, &frame, |payload| {
        let payload = payload.expect("a payload");
        assert_eq!(
            (payload.interface_index, payload.direction),
            (index, direction)
        );
        let segment = segment(&payload);
        assert!(segment.opens());
        assert_eq!((segment.source_port, segment.ip_bytes), (5000, 40));
    });
}

/// The first tag's type takes the protocol's place, which moves behind the last tag.
fn tag(frame: &mut Vec<u8>, link: u32, tags: &[u8]) {
    let (protocol, header_len) = match link {
        ETHERNET => (12, 14),
        SLL => (14, 16),
        SLL2 => (0, 20),
        _ => unreachable!("nothing to tag"),
    };
    let inner = [frame[protocol], frame[protocol + 1]];
    frame[protocol..protocol + 2].copy_from_slice(&tags[..2]);
    let rest = [&tags[2..], &inner].concat();
    frame.splice(header_len..header_len, rest);
}

fn with_payload(link: u32, frame: &[u8], look: impl FnOnce(Option<Payload<'_>>)) {
    let pcap = Pcap { link, ..PCAP };
    let mut file = pcap.header();
    file.extend(pcap.packet(1, frame));
    let mut capture = Capture::read("test", Cursor::new(file));
    look(capture.next().expect("a packet").payload());
}

#[track_caller]
fn segment(payload: &Payload<'_>) -> packet::Segment {
    parse(payload).expect("a segment")
}

fn parse(payload: &Payload<'_>) -> Result<packet::Segment, nat_acct_common::layout::Cause> {
    let frame = Frame {
        link: payload.link,
        len: payload.len,
        vlan: Vlan::NONE,
        gso_size: 0,
    };
    packet::parse(payload.bytes, &frame)
}
