//! Headers that contradict the packet or end with it. Nothing is read at a wrong place: each is
//! ignored by its cause.

use std::ops::Range;

use nat_acct_common::layout::Cause;
use nat_acct_common::packet::flag::{ACK, SYN};

use super::Entry;
use super::extension::Extension;
use super::frame::{Frame, Side};
use super::link::tagged;
use super::scene::Scene;
use super::shape::Shape;
use super::talk::{CLIENT, REMOTE};
use crate::lab::Family::{self, V4, V6};

const VLAN: u16 = 0x8100;

pub const CASES: &[Entry] = &[
    ("data offset below 5", |scene| each_offset(scene, 0..5)),
    ("data offset beyond the packet", |scene| {
        each_offset(scene, 10..16)
    }),
    ("IHL below 5", |scene| {
        broken_v4(scene, |frame| set(frame, 0, 0x44))
    }),
    ("IHL of 0", |scene| {
        broken_v4(scene, |frame| set(frame, 0, 0x40))
    }),
    ("IHL beyond the packet", |scene| {
        let mut frame = data(scene, V4);
        set(&mut frame, 0, 0x4f);
        scene.add_ignored(frame, Cause::Truncated);
    }),
    ("IPv4 by EtherType, version 6", |scene| {
        broken_v4(scene, |frame| set(frame, 0, 0x65))
    }),
    ("IPv6 by EtherType, version 4", version_of_v6),
    ("total length beyond the packet", |scene| {
        each_length(scene, V4, &[59, 60, 1_500, 65_535])
    }),
    ("payload length beyond the packet, IPv6", |scene| {
        each_length(scene, V6, &[39, 40, 1_500, 65_535]);
    }),
    ("total length shorter than its headers", |scene| {
        each_length(scene, V4, &[1, 19, 20, 39, 47])
    }),
    ("payload length shorter than its headers, IPv6", |scene| {
        each_length(scene, V6, &[1, 19, 20, 27]);
    }),
    ("truncated before the TCP header", |scene| {
        truncated(scene, V4_HEADERS, Cause::Truncated)
    }),
    ("truncated before the TCP header, IPv6", |scene| {
        truncated(scene, V6_HEADERS, Cause::Truncated);
    }),
    (
        "truncated in VLAN tags and the PPPoE header",
        truncated_in_link,
    ),
    ("truncated in the TCP header", truncated_in_tcp),
    ("truncated in an extension header", truncated_in_extension),
    ("long extension header beyond the packet", extension_beyond),
];

/// Lengths of a frame that ends within or right behind its tag, or within its IP header.
const V4_HEADERS: (Family, Range<usize>) = (V4, 14..38);
const V6_HEADERS: (Family, Range<usize>) = (V6, 14..58);

/// A segment of the client with 10 bytes of payload behind a TCP header of 28 bytes.
fn data(scene: &Scene, family: Family) -> Frame {
    let talk = scene.talk_in(Shape {
        tcp_options: 8,
        ..Shape::plain(family)
    });
    talk.frame(Side::Inside, &talk.segment(CLIENT, ACK, 10))
}

fn broken_v4(scene: &mut Scene, spoil: impl FnOnce(&mut Frame)) {
    let mut frame = data(scene, V4);
    spoil(&mut frame);
    scene.add_ignored(frame, Cause::BadHeader);
}

/// Sets a byte of the IP header.
fn set(frame: &mut Frame, place: usize, value: u8) {
    let at = frame.ip_at + place;
    frame.bytes[at] = value;
}

/// Sets the length in the IP header.
fn set_length(frame: &mut Frame, length: u16) {
    let place = match frame.family {
        Family::V4 => 2,
        Family::V6 => 4,
    };
    let at = frame.ip_at + place;
    frame.bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
}

fn each_length(scene: &mut Scene, family: Family, lengths: &[u16]) {
    for length in lengths {
        let mut frame = data(scene, family);
        set_length(&mut frame, *length);
        scene.add_ignored(frame, Cause::BadHeader);
    }
}

fn each_offset(scene: &mut Scene, offsets: Range<u8>) {
    for offset in offsets {
        let mut frame = data(scene, V4);
        frame.bytes[frame.tcp_at + 12] = offset << 4;
        scene.add_ignored(frame, Cause::BadHeader);
    }
}

fn version_of_v6(scene: &mut Scene) {
    let mut frame = data(scene, V6);
    set(&mut frame, 0, 0x45);
    scene.add_ignored(frame, Cause::BadHeader);
}

/// From the remote, because the kernel drops what ends within a tag before any program sees it come
/// in; and with a tag, because a test run refuses what ends within an IP header behind none.
fn truncated(scene: &mut Scene, (family, lens): (Family, Range<usize>), cause: Cause) {
    for len in lens {
        let talk = scene.talk_in(tagged(family, &[VLAN]));
        let mut frame = talk.frame(Side::Inside, &talk.segment(REMOTE, SYN | ACK, 0));
        frame.cut(len);
        scene.add_ignored(frame, cause);
    }
}

fn truncated_in_link(scene: &mut Scene) {
    let shape = Shape {
        pppoe: true,
        ..tagged(V4, &[VLAN, VLAN, VLAN])
    };
    let talk = scene.talk_in(shape);
    let frame = talk.frame(Side::Inside, &talk.segment(REMOTE, SYN | ACK, 0));
    for len in 14..frame.ip_at {
        let mut frame = frame.clone();
        frame.cut(len);
        scene.add_ignored(frame, Cause::Truncated);
    }
}

/// The IP header says that the packet ends within the TCP header; or that it does not, and it ends
/// there all the same.
fn truncated_in_tcp(scene: &mut Scene) {
    for rest in 0..20 {
        for honest in [true, false] {
            let mut frame = data(scene, V4);
            if honest {
                set_length(&mut frame, 20 + rest as u16);
            }
            frame.cut(frame.tcp_at + rest);
            let cause = if honest {
                Cause::Truncated
            } else {
                Cause::BadHeader
            };
            scene.add_ignored(frame, cause);
        }
    }
}

fn truncated_in_extension(scene: &mut Scene) {
    for rest in 0..4 {
        let shape = Shape {
            extensions: vec![Extension::destination(8)],
            ..tagged(V6, &[VLAN])
        };
        let talk = scene.talk_in(shape);
        let mut frame = talk.frame(Side::Inside, &talk.segment(REMOTE, SYN | ACK, 0));
        frame.cut(frame.ip_at + 40 + rest);
        scene.add_ignored(frame, Cause::Truncated);
    }
}

/// It says to be 2,048 bytes long.
fn extension_beyond(scene: &mut Scene) {
    let shape = Shape {
        extensions: vec![Extension::destination(8)],
        ..Shape::plain(V6)
    };
    let talk = scene.talk_in(shape);
    let mut frame = talk.frame(Side::Inside, &talk.segment(CLIENT, SYN, 0));
    set(&mut frame, 41, 0xff);
    scene.add_ignored(frame, Cause::Truncated);
}
