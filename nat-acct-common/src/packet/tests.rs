//! Frames made byte by byte, and what the parser says of them.

use core::net::IpAddr;
use std::{vec, vec::Vec};

use super::{
    Endpoints, Frame, InParts, Link, Segment, Vlan, parse, parse_any, plain_v4, plain_v6,
    plainly_opens_nothing,
};
use crate::layout::Cause;

const CLIENT: [u8; 4] = [192, 168, 17, 11];
const REMOTE: [u8; 4] = [203, 0, 113, 80];

#[test]
fn plain() {
    let segment = check(ethernet(&[], V4, &ipv4(&tcp(0, b"hello"))), Ok(5));
    assert_eq!(segment.source.ip(), IpAddr::from(CLIENT));
    assert_eq!(segment.destination.ip(), IpAddr::from(REMOTE));
    assert_eq!((segment.source_port, segment.destination_port), (54054, 22));
    assert_eq!((segment.seq, segment.ack), (0x0102_0304, 0x0506_0708));
    assert_eq!(segment.flags, 0x18);
    assert_eq!((segment.ip_bytes, segment.packets), (45, 1));
    check(ethernet(&[], V6, &ipv6(6, &tcp(0, b"hello"))), Ok(5));
}

#[test]
fn what_nearly_all_frames_are_is_plain() {
    let plain = |bytes: Vec<u8>| {
        let frame = frame(&bytes, Link::Ethernet);
        let by_family = [
            plain_v4(&bytes[..], &frame).and_then(|plain| plain.whole()),
            plain_v6(&bytes[..], &frame).and_then(|plain| plain.whole()),
        ];
        by_family.map(|segment| segment.is_some())
    };
    let v4 = ethernet(&[], V4, &ipv4(&tcp(0, b"hello")));
    assert_eq!(plain(v4), [true, false]);
    let v6 = ethernet(&[], V6, &ipv6(6, &tcp(12, b"")));
    assert_eq!(plain(v6), [false, true]);
    let tagged = ethernet(&[0x8100], V4, &ipv4(&tcp(0, b"")));
    assert_eq!(plain(tagged), [false, false]);
}

#[test]
fn plain_frames_tell_at_once_that_they_open_nothing() {
    const FLAGS: usize = 13;
    let flags = |flags: u8| {
        let mut segment = tcp(0, b"hello");
        segment[FLAGS] = flags;
        segment
    };
    for (bits, opens) in [
        (0x18, false),
        (0x12, false),
        (0x06, false),
        (0x02, true),
        (0x03, true),
        (0xc2, true),
    ] {
        let segment = flags(bits);
        for packet in [ipv4(&segment), ipv6(6, &segment)] {
            let ether_type = if packet[0] == 0x45 { V4 } else { V6 };
            let frame = ethernet(&[], ether_type, &packet);
            assert_eq!(plainly_opens_nothing(&frame[..], Link::Ethernet), !opens);
            assert_eq!(plainly_opens_nothing(&packet[..], Link::Ip), !opens);
            // What is not plain is looked at more closely.
            let tagged = ethernet(&[0x8100], ether_type, &packet);
            assert!(!plainly_opens_nothing(&tagged[..], Link::Ethernet));
        }
    }
    let mut fragment = ipv4(&flags(0x18));
    fragment[7] = 1;
    assert!(!plainly_opens_nothing(&fragment[..], Link::Ip));
    let mut other_protocol = ipv4(&flags(0x18));
    other_protocol[9] = 17;
    assert!(!plainly_opens_nothing(&other_protocol[..], Link::Ip));
    let short = &ipv4(&flags(0x18))[..39];
    assert!(!plainly_opens_nothing(short, Link::Ip));
}

#[test]
fn tags_tell_the_vlan() {
    let bytes = ethernet(&[0x8100], V4, &ipv4(&tcp(0, b"")));
    assert_eq!(check(bytes.clone(), Ok(0)).vlan.ids(), [0, 100]);
    let frame = Frame {
        vlan: Vlan::NONE.tagged(7),
        ..frame(&bytes, Link::Ethernet)
    };
    let segment = parse(&bytes[..], &frame).expect("a segment");
    assert_eq!(segment.vlan.ids(), [7, 100]);
}

#[test]
fn tags_and_tunnels() {
    check(ethernet(&[0x8100], V4, &ipv4(&tcp(0, b"hello"))), Ok(5));
    check(
        ethernet(&[0x88a8, 0x8100], V4, &ipv4(&tcp(0, b"hello"))),
        Ok(5),
    );
    check(
        ethernet(&[0x9100, 0x8100, 0x8100], V6, &ipv6(6, &tcp(0, b"x"))),
        Ok(1),
    );
    let four = [0x8100; 4];
    check(
        ethernet(&four, V4, &ipv4(&tcp(0, b"hello"))),
        Err(Cause::NotIp),
    );
    for (protocol, packet) in [
        (0x0021u16, ipv4(&tcp(0, b"hey"))),
        (0x0057, ipv6(6, &tcp(0, b"hey"))),
    ] {
        let mut session = vec![0x11, 0, 0, 7, 0, 0];
        session.extend(protocol.to_be_bytes());
        session.extend(packet);
        check(ethernet(&[], 0x8864, &session), Ok(3));
        check(ethernet(&[0x8100], 0x8864, &session), Ok(3));
    }
    check(
        ethernet(&[], 0x8863, &[0x11, 9, 0, 0, 0, 0]),
        Err(Cause::NotIp),
    );
    check(ethernet(&[], 0x0806, &[0; 46]), Err(Cause::NotIp));
}

#[test]
fn without_link_layer() {
    let raw = |packet: &[u8]| parse(packet, &frame(packet, Link::Ip)).map(|s| s.payload);
    assert_eq!(raw(&ipv4(&tcp(0, b"hello"))), Ok(5));
    assert_eq!(raw(&ipv6(6, &tcp(0, b"hello"))), Ok(5));
    assert_eq!(raw(&[0x70, 0, 0, 0]), Err(Cause::NotIp));
    assert_eq!(raw(&[]), Err(Cause::Truncated));
}

#[test]
fn options() {
    check(ethernet(&[], V4, &ipv4(&tcp(40, b"hello"))), Ok(5));
    let mut packet = ipv4(&tcp(12, b"hello"));
    packet[0] = 0x4f;
    packet.splice(20..20, [1; 40]);
    set_total(&mut packet);
    let segment = check(ethernet(&[], V4, &packet), Ok(5));
    assert_eq!(segment.source_port, 54054);
    assert_eq!(segment.ip_bytes, 60 + 32 + 5);
}

#[test]
fn extension_headers() {
    let chain = |kinds: &[u8], segment: &[u8]| {
        let mut packet = Vec::new();
        for (index, _) in kinds.iter().enumerate() {
            let next = kinds.get(index + 1).copied().unwrap_or(6);
            packet.extend([next, 0, 0, 0, 0, 0, 0, 0]);
        }
        packet.extend(segment);
        ethernet(&[], V6, &ipv6(kinds[0], &packet))
    };
    check(chain(&[0], &tcp(0, b"hello")), Ok(5));
    check(chain(&[0, 60, 43, 44, 60], &tcp(0, b"hello")), Ok(5));
    check(
        chain(&[60; 7], &tcp(0, b"hello")),
        Err(Cause::ExtensionChain),
    );
    check(chain(&[0, 50], &tcp(0, b"hello")), Err(Cause::NotTcp));
    check(chain(&[0], &[]), Err(Cause::Truncated));
    let mut long = vec![6, 1];
    long.extend([0; 14]);
    long.extend(tcp(0, b"hello"));
    check(ethernet(&[], V6, &ipv6(60, &long)), Ok(5));
}

#[test]
fn fragments() {
    for (flags, expected) in [
        (0x2000u16, Ok(5)),
        (0x4000, Ok(5)),
        (0x2001, Err(Cause::LaterFragment)),
        (0x0fff, Err(Cause::LaterFragment)),
    ] {
        let mut packet = ipv4(&tcp(0, b"hello"));
        packet[6..8].copy_from_slice(&flags.to_be_bytes());
        check(ethernet(&[], V4, &packet), expected);
    }
    for (offset, expected) in [(0x0001u16, Ok(5)), (0x0008, Err(Cause::LaterFragment))] {
        let [high, low] = offset.to_be_bytes();
        let mut packet = vec![6, 0, high, low, 0, 0, 0, 0];
        packet.extend(tcp(0, b"hello"));
        check(ethernet(&[], V6, &ipv6(44, &packet)), expected);
    }
}

#[test]
fn padding_is_no_payload() {
    let mut bytes = ethernet(&[], V4, &ipv4(&tcp(0, b"")));
    bytes.resize(60, 0);
    let segment = check(bytes, Ok(0));
    assert_eq!(segment.ip_bytes, 40);
}

#[test]
fn super_packets() {
    let bytes = ethernet(&[], V4, &ipv4(&tcp(12, &[7; 3_000])));
    let frame = Frame {
        gso_size: 1_448,
        ..frame(&bytes, Link::Ethernet)
    };
    let segment = parse(&bytes[..], &frame).expect("a segment");
    assert_eq!((segment.payload, segment.packets), (3_000, 3));
    assert_eq!(segment.ip_bytes, 3_000 + 3 * 52);
}

#[test]
fn longer_than_16_bits_can_say() {
    let payload = vec![7; 100_000];
    let mut packet = ipv4(&tcp(0, &payload));
    packet[2..4].copy_from_slice(&[0, 0]);
    check(ethernet(&[], V4, &packet), Ok(100_000));
    let mut jumbo = vec![6, 0, 0xc2, 4, 0, 0, 0, 0];
    jumbo.extend(tcp(0, &payload));
    let mut packet = ipv6(0, &jumbo);
    packet[4..6].copy_from_slice(&[0, 0]);
    let bytes = ethernet(&[], V6, &packet);
    check(bytes.clone(), Ok(100_000));
    let frame = Frame {
        gso_size: 50_000,
        ..frame(&bytes, Link::Ethernet)
    };
    let segment = parse(&bytes[..], &frame).expect("a segment");
    assert_eq!((segment.payload, segment.packets), (100_000, 2));
    assert_eq!(
        segment.ip_bytes,
        100_000 + 2 * 60,
        "no jumbo header on the wire"
    );
}

#[test]
fn headers_that_cannot_be() {
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut packet = ipv4(&tcp(0, b"hello"));
        change(&mut packet);
        ethernet(&[], V4, &packet)
    };
    check(broken(&|packet| packet[0] = 0x44), Err(Cause::BadHeader));
    check(broken(&|packet| packet[0] = 0x65), Err(Cause::BadHeader));
    check(broken(&|packet| packet[32] = 0x40), Err(Cause::BadHeader));
    check(broken(&|packet| packet[32] = 0xf0), Err(Cause::BadHeader));
    check(
        broken(&|packet| packet[2..4].copy_from_slice(&[0, 39])),
        Err(Cause::BadHeader),
    );
    check(
        broken(&|packet| packet[2..4].copy_from_slice(&[0, 46])),
        Err(Cause::BadHeader),
    );
    check(broken(&|packet| packet[9] = 17), Err(Cause::NotTcp));
    check(broken(&|packet| packet.truncate(30)), Err(Cause::BadHeader));
}

#[test]
fn captured_to_the_tcp_header_only() {
    let bytes = ethernet(&[], V4, &ipv4(&tcp(0, &[7; 1_000])));
    let whole = frame(&bytes, Link::Ethernet);
    let segment = parse(&bytes[..54], &whole).expect("a segment");
    assert_eq!(segment.payload, 1_000);
    for captured in 0..54 {
        assert_eq!(parse(&bytes[..captured], &whole), Err(Cause::Truncated));
    }
}

const V4: u16 = 0x0800;
const V6: u16 = 0x86dd;

/// Parses a whole frame, and compares the payload or the cause. Returns the segment, if there is
/// one to look at.
#[track_caller]
fn check(bytes: Vec<u8>, expected: Result<u32, Cause>) -> Segment {
    let frame = frame(&bytes, Link::Ethernet);
    let parsed = parse(&bytes[..], &frame);
    assert_eq!(parsed, parse_any(&bytes[..], &frame));
    if let Ok(segment) = parsed {
        let [v4, v6] = [
            plain_v4(&bytes[..], &frame).map(parts),
            plain_v6(&bytes[..], &frame).map(parts),
        ];
        for found in v4.into_iter().chain(v6) {
            assert_eq!(found, parts(segment));
        }
    }
    assert_eq!(parsed.map(|segment| segment.payload), expected);
    parsed.unwrap_or(Segment {
        vlan: Vlan::NONE,
        source: IpAddr::from(CLIENT).into(),
        destination: IpAddr::from(REMOTE).into(),
        source_port: 0,
        destination_port: 0,
        seq: 0,
        ack: 0,
        flags: 0,
        payload: 0,
        ip_bytes: 0,
        packets: 0,
    })
}

/// What is read by itself, the endpoints twice.
fn parts(segment: impl InParts) -> (u8, [Endpoints; 2]) {
    let endpoints = segment.endpoints();
    (
        segment.flags(),
        [endpoints, segment.endpoints_again(endpoints)],
    )
}

fn frame(bytes: &[u8], link: Link) -> Frame {
    Frame {
        link,
        len: bytes.len() as u32,
        vlan: Vlan::NONE,
        gso_size: 0,
    }
}

/// Ethernet with VLAN tags of these kinds around `packet`.
fn ethernet(tags: &[u16], ether_type: u16, packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2; 12];
    for tag in tags {
        bytes.extend(tag.to_be_bytes());
        bytes.extend([0, 100]);
    }
    bytes.extend(ether_type.to_be_bytes());
    bytes.extend(packet);
    bytes
}

fn ipv4(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, 6, 0, 0];
    bytes.extend(CLIENT);
    bytes.extend(REMOTE);
    bytes.extend(payload);
    set_total(&mut bytes);
    bytes
}

fn set_total(packet: &mut [u8]) {
    let total = packet.len() as u16;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
}

fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next_header, 64]);
    bytes.extend([0x20; 16]);
    bytes.extend([0x30; 16]);
    bytes.extend(payload);
    bytes
}

/// A TCP segment with `options` bytes of options.
fn tcp(options: usize, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xd3, 0x26, 0, 22, 1, 2, 3, 4, 5, 6, 7, 8];
    bytes.push((((20 + options) / 4) << 4) as u8);
    bytes.extend([0x18, 1, 0, 0, 0, 0, 0]);
    bytes.extend(vec![1; options]);
    bytes.extend(payload);
    bytes
}
