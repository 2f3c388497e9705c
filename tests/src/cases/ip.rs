//! IP options, extension headers and fragments.

use etherparse::ip_number;
use nat_acct_common::layout::{Cause, Sender};
use nat_acct_common::packet::flag::{ACK, SYN};

use super::Entry;
use super::extension::Extension;
use super::frame::Side;
use super::link::converse;
use super::scene::Scene;
use super::shape::{Shape, Tcp};
use super::talk::{CLIENT, REMOTE, Talk};
use crate::lab::Family::{V4, V6};

pub const CASES: &[Entry] = &[
    ("IPv4 options, 4 bytes", |scene| converse(scene, options(4))),
    ("IPv4 options, 24 bytes", |scene| {
        converse(scene, options(24))
    }),
    ("IPv4 options, 40 bytes", |scene| {
        converse(scene, options(40))
    }),
    ("hop-by-hop options", |scene| {
        extended(scene, &[Extension::hop_by_hop()])
    }),
    ("destination options", |scene| {
        extended(scene, &[Extension::destination(8)])
    }),
    ("destination options, 64 bytes", |scene| {
        extended(scene, &[Extension::destination(64)])
    }),
    ("routing header", |scene| {
        extended(scene, &[Extension::routing()])
    }),
    ("fragment header of a whole packet", |scene| {
        extended(scene, &[Extension::fragment(0, false)]);
    }),
    ("all extension headers that RFC 8200 has", |scene| {
        extended(
            scene,
            &[
                Extension::hop_by_hop(),
                Extension::destination(16),
                Extension::routing(),
                Extension::fragment(0, false),
                Extension::destination(8),
            ],
        );
    }),
    ("seven extension headers", |scene| {
        let seven = vec![Extension::destination(8); 7];
        not_understood(scene, &seven, Cause::ExtensionChain);
    }),
    ("extension header of another kind", |scene| {
        let esp = Extension(ip_number::ENCAP_SEC, vec![0; 6]);
        not_understood(scene, &[Extension::hop_by_hop(), esp], Cause::NotTcp);
    }),
    ("UDP", udp),
    ("IPv4 fragments", fragments_v4),
    ("IPv6 fragments", fragments_v6),
    ("later fragments at all offsets", later_fragments),
];

fn options(bytes: usize) -> Shape {
    Shape {
        ip_options: bytes,
        ..Shape::plain(V4)
    }
}

fn with(extensions: &[Extension]) -> Shape {
    Shape {
        extensions: extensions.to_vec(),
        ..Shape::plain(V6)
    }
}

fn extended(scene: &mut Scene, extensions: &[Extension]) {
    converse(scene, with(extensions));
}

fn not_understood(scene: &mut Scene, extensions: &[Extension], cause: Cause) {
    let talk = scene.talk_in(with(extensions));
    for (side, from) in [(Side::Inside, CLIENT), (Side::Outside, REMOTE)] {
        let syn = talk.segment(from, SYN, 0);
        scene.add_ignored(talk.frame(side, &syn), cause);
    }
}

fn udp(scene: &mut Scene) {
    for family in [V4, V6] {
        let talk = scene.talk_in(Shape::plain(family));
        let mut frame = talk.frame(Side::Inside, &talk.segment(CLIENT, SYN, 0));
        let protocol_at = frame.ip_at + if family == V4 { 9 } else { 6 };
        frame.bytes[protocol_at] = ip_number::UDP.0;
        scene.add_ignored(frame, Cause::NotTcp);
    }
}

/// Bytes of payload in the first fragment, and behind it.
const FIRST: u32 = 492;
const LATER: u32 = 508;

/// A first fragment is parsed and counted as far as it goes; what comes in later ones is ignored by
/// cause, and missing in the record, which says so.
fn fragments_v4(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    let (first, later) = fragments(&mut talk, CLIENT);
    for side in [Side::Inside, Side::Outside] {
        let mut frame = talk.frame(side, &first);
        frame.bytes[frame.ip_at + 6] |= 0x20;
        scene.add(frame);
        let mut frame = talk.frame(side, &later);
        // In units of 8 bytes: a TCP header and the first payload.
        frame.bytes[frame.ip_at + 7] = 64;
        scene.add_ignored(frame, Cause::LaterFragment);
    }
    talk.count(&first);
    talk.close(scene);
    scene.expect(talk.record("fin", (FIRST.into(), 0), (0, 0)).partial());
}

fn fragments_v6(scene: &mut Scene) {
    let mut talk = scene.talk_in(Shape::plain(V6));
    talk.open(scene);
    let (first, later) = fragments(&mut talk, REMOTE);
    for side in [Side::Outside, Side::Inside] {
        talk.shape = with(&[Extension::fragment(512, false)]);
        scene.add_ignored(talk.frame(side, &later), Cause::LaterFragment);
        talk.shape = with(&[Extension::fragment(0, true)]);
        scene.add(talk.frame(side, &first));
    }
    talk.count(&first);
    talk.shape = Shape::plain(V6);
    talk.close(scene);
    scene.expect(talk.record("fin", (0, 0), (FIRST.into(), 0)).partial());
}

/// Both fragments of a segment. The later one begins with what looks like a TCP header.
fn fragments(talk: &mut Talk, from: Sender) -> (Tcp, Tcp) {
    let whole = talk.segment(from, ACK, FIRST + LATER);
    talk.advance(from, &whole);
    let payload = |payload| Tcp { payload, ..whole };
    (payload(FIRST), payload(LATER - 20))
}

/// In units of 8 bytes; DF and MF have the bits above.
fn later_fragments(scene: &mut Scene) {
    for offset in [1_u16, 0x00ff, 0x0100, 0x1000, 0x1fff] {
        for flags in [0, 0x2000, 0x4000] {
            let talk = scene.talk();
            let mut frame = talk.frame(Side::Inside, &talk.segment(CLIENT, SYN, 0));
            let at = frame.ip_at + 6;
            frame.bytes[at..at + 2].copy_from_slice(&(flags | offset).to_be_bytes());
            scene.add_ignored(frame, Cause::LaterFragment);
        }
        let talk = scene.talk_in(with(&[Extension::fragment(offset << 3, true)]));
        let syn = talk.segment(CLIENT, SYN, 0);
        scene.add_ignored(talk.frame(Side::Inside, &syn), Cause::LaterFragment);
    }
}
