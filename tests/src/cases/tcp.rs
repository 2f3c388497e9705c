//! Segments of an established connection: what counts as payload, and how often.

use nat_acct_common::packet::flag::ACK;

use super::Entry;
use super::link::converse;
use super::scene::Scene;
use super::shape::{Shape, Tcp};
use super::talk::{CLIENT, REMOTE};
use crate::lab::Family::V4;

pub const CASES: &[Entry] = &[
    ("TCP options, 12 bytes", |scene| {
        converse(scene, options(12))
    }),
    ("TCP options, 40 bytes", |scene| {
        converse(scene, options(40))
    }),
    ("keep-alive probes with 0 and with 1 byte", keep_alive),
    ("zero-window probes", zero_window),
    ("overlapping retransmissions", overlapping),
    (
        "padding in the IP length of an ACK, data follows",
        padding_then_data,
    ),
    (
        "padding in the IP length of an ACK, FIN follows",
        padding_then_fin,
    ),
    ("sequence numbers wrap", wrap),
    ("more than 4 GiB", more_than_4_gib),
    ("missed segments", missed),
];

fn options(bytes: usize) -> Shape {
    Shape {
        tcp_options: bytes,
        ..Shape::plain(V4)
    }
}

/// The segment as if it began so many bytes earlier.
fn back(tcp: Tcp, bytes: u32) -> Tcp {
    Tcp {
        seq: tcp.seq.wrapping_sub(bytes),
        ..tcp
    }
}

/// A probe repeats the last number, with or without a byte of garbage (RFC 9293, section 3.8.4).
fn keep_alive(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    for garbage in [0, 1] {
        let probe = back(talk.segment(CLIENT, ACK, garbage), 1);
        talk.pass(scene, &probe);
        talk.say(scene, REMOTE, ACK, 0);
    }
    talk.say(scene, CLIENT, ACK, 10);
    for garbage in [0, 1] {
        let probe = back(talk.segment(REMOTE, ACK, garbage), 1);
        talk.pass(scene, &probe);
        talk.say(scene, CLIENT, ACK, 0);
    }
    talk.close(scene);
    scene.expect(talk.record("fin", (11, 1), (1, 1)));
}

/// A probe has the next byte, which is not taken while the window is 0 (RFC 9293, section 3.8.6.1).
fn zero_window(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    talk.say(scene, REMOTE, ACK, 1_000);
    for _ in 0..3 {
        let probe = talk.segment(REMOTE, ACK, 1);
        talk.pass(scene, &probe);
        talk.say(scene, CLIENT, ACK, 0);
    }
    talk.say(scene, REMOTE, ACK, 500);
    talk.close(scene);
    scene.expect(talk.record("fin", (0, 0), (1_503, 3)));
}

fn overlapping(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    talk.say(scene, CLIENT, ACK, 100);
    talk.say(scene, CLIENT, ACK, 100);
    let again = back(talk.segment(CLIENT, ACK, 150), 150);
    talk.pass(scene, &again);
    let more = back(talk.segment(CLIENT, ACK, 80), 50);
    talk.pass(scene, &more);
    talk.advance(
        CLIENT,
        &Tcp {
            payload: 30,
            ..more
        },
    );
    talk.close(scene);
    scene.expect(talk.record("fin", (430, 200), (0, 0)));
}

/// Some devices count the padding of a short frame in the length of the packet. For all who see it,
/// the remote among them, it is data; the real data has the same numbers.
fn padding_then_data(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    let padding = talk.segment(CLIENT, ACK, 6);
    talk.pass(scene, &padding);
    talk.say(scene, CLIENT, ACK, 100);
    talk.close(scene);
    scene.expect(talk.record("fin", (106, 6), (0, 0)));
}

/// The FIN says that nothing was sent, and so contradicts the padding.
fn padding_then_fin(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    let padding = talk.segment(CLIENT, ACK, 6);
    talk.pass(scene, &padding);
    talk.close(scene);
    scene.expect(talk.record("fin", (6, 0), (0, 0)).partial());
}

fn wrap(scene: &mut Scene) {
    let mut talk = scene.talk().anew(u32::MAX - 5, u32::MAX);
    talk.open(scene);
    talk.say(scene, CLIENT, ACK, 33);
    talk.say(scene, REMOTE, ACK, 400);
    talk.close(scene);
    scene.expect(talk.record("fin", (33, 0), (400, 0)));
}

/// The numbers wrap on the way, and a retransmission comes after it.
fn more_than_4_gib(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    let payload = (scene.largest_frame - 54).min(65_000) as u32;
    scene.set_mtu(65_535);
    let times = u32::MAX / payload + 10;
    talk.say_often(scene, REMOTE, payload, times);
    talk.say(scene, CLIENT, ACK, 0);
    let again = back(talk.segment(REMOTE, ACK, payload), payload);
    talk.pass(scene, &again);
    talk.close(scene);
    let stream = u64::from(payload) * u64::from(times);
    let again = u64::from(payload);
    scene.expect(talk.record("fin", (0, 0), (stream + again, again)));
}

/// Segments that went another way leave a gap in the numbers.
fn missed(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.open(scene);
    talk.say(scene, CLIENT, ACK, 100);
    let elsewhere = talk.segment(CLIENT, ACK, 50);
    talk.advance(CLIENT, &elsewhere);
    talk.say(scene, CLIENT, ACK, 100);
    talk.close(scene);
    scene.expect(talk.record("fin", (200, 0), (0, 0)).partial());
}
