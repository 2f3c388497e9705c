//! Super-packets of segmentation offload, and headers that are not in the linear part of an skb. A
//! capture does not say into what a super-packet is cut; replay is told by `--mtu`, and cuts it the
//! same.

use nat_acct_common::packet::flag::ACK;

use super::Entry;
use super::frame::Side;
use super::scene::Scene;
use super::shape::{Length, Shape};
use super::talk::{CLIENT, REMOTE};
use crate::lab::Family::{self, V4, V6};
use crate::shapes::Way;

/// The largest payload of a segment on Ethernet, over IPv6.
const SEGMENT: u16 = 1_440;

pub const CASES: &[Entry] = &[
    ("super-packet of 2 segments", |scene| {
        super_packet(scene, V4, 2)
    }),
    ("super-packet of 2 segments, IPv6", |scene| {
        super_packet(scene, V6, 2)
    }),
    ("super-packet of 45 segments", |scene| {
        super_packet(scene, V4, 45)
    }),
    ("super-packet of 45 segments, IPv6", |scene| {
        super_packet(scene, V6, 45)
    }),
    ("BIG TCP, IPv4: total length 0", |scene| {
        big(scene, V4, Length::Zero)
    }),
    ("BIG TCP, IPv6: payload length 0", |scene| {
        big(scene, V6, Length::Zero)
    }),
    ("BIG TCP, IPv6: jumbo payload option", |scene| {
        big(scene, V6, Length::Jumbo)
    }),
    (
        "headers outside the linear part (a test run has no such skb)",
        |scene| not_linear(scene, V4),
    ),
    (
        "headers outside the linear part, IPv6 (a test run has no such skb)",
        |scene| not_linear(scene, V6),
    ),
];

/// The last segment is shorter than the others.
fn super_packet(scene: &mut Scene, family: Family, segments: u16) {
    let room = (scene.largest_frame - 100) / usize::from(segments);
    let size = SEGMENT.min(room as u16);
    let payload = u32::from(size) * u32::from(segments) - 7;
    segmented(scene, Shape::plain(family), size, [payload; 2]);
}

/// Longer than a length of 16 bits can say, where a frame can be so long. Where interfaces are not
/// set up for it, no such packet of IPv4 comes in; but what says so, if not so long, does.
fn big(scene: &mut Scene, family: Family, length: Length) {
    let payload = (scene.largest_frame - 100).min(150_000) as u32;
    let shape = Shape {
        length,
        ..Shape::plain(family)
    };
    let sent = match family {
        V4 => payload.min(60_000),
        V6 => payload,
    };
    segmented(scene, shape, SEGMENT, [sent, payload]);
}

/// Sends and receives one super-packet each.
fn segmented(scene: &mut Scene, shape: Shape, gso_size: u16, [sent, received]: [u32; 2]) {
    let mut talk = scene.talk_in(Shape::plain(shape.family));
    talk.open(scene);
    let plain = std::mem::replace(&mut talk.shape, Shape { gso_size, ..shape });
    talk.say(scene, CLIENT, ACK, sent);
    talk.say(scene, REMOTE, ACK, received);
    let empty = talk.frame(Side::Inside, &talk.segment(CLIENT, ACK, 0));
    let headers = talk.shape.wire_headers(&empty) as u32;
    scene.set_mtu(headers + u32::from(gso_size));
    talk.shape = plain;
    talk.close(scene);
    scene.expect(talk.record("fin", (sent.into(), 0), (received.into(), 0)));
}

/// An skb of more than a page, of which only the Ethernet header is in the linear part. A test run
/// takes less than a page.
fn not_linear(scene: &mut Scene, family: Family) {
    scene.not_by(Way::TestRun);
    scene.set_mtu(9_000);
    let mut talk = scene.talk_in(Shape {
        linear: 14,
        ..Shape::plain(family)
    });
    talk.open(scene);
    talk.say(scene, CLIENT, ACK, 6_000);
    talk.say(scene, REMOTE, ACK, 8_000);
    talk.close(scene);
    scene.expect(talk.record("fin", (6_000, 0), (8_000, 0)));
}
