//! Which SYN on the outside belongs to which on the inside (rules 2, 10 and 12 of the design): the
//! translated address is right or absent.

use std::net::IpAddr;

use nat_acct_common::packet::flag::{ACK, RST, SYN};

use super::Entry;
use super::scene::Scene;
use super::talk::{CLIENT, REMOTE, Talk};

pub const CASES: &[Entry] = &[
    ("SYN retransmitted on the inside only", inside_only),
    ("SYN seen twice on the outside", outside_twice),
    ("outside SYN before the inside one", outside_first),
    ("no SYN on the outside, no answer", blocked),
    ("no SYN on the outside, yet an answer", intercepted),
    ("another number on the outside", rewritten),
    ("two clients with one ISN, one after the other", in_turn),
    ("two clients with one ISN at once", at_once),
    ("two clients with one ISN, one of them blocked", one_blocked),
    (
        "one port with one ISN to a thousand remotes",
        thousand_remotes,
    ),
];

/// What has sent its SYN is answered and reset.
fn answer_and_reset(talk: &mut Talk, scene: &mut Scene) {
    talk.say(scene, REMOTE, SYN | ACK, 0);
    talk.say(scene, CLIENT, ACK, 10);
    talk.say(scene, CLIENT, RST | ACK, 0);
}

fn inside_only(scene: &mut Scene) {
    let mut talk = scene.talk();
    let syn = talk.segment(CLIENT, SYN, 0);
    talk.pass_inside(scene, &syn);
    talk.pass_inside(scene, &syn);
    talk.say(scene, CLIENT, SYN, 0);
    answer_and_reset(&mut talk, scene);
    scene.expect(talk.record("rst", (10, 0), (0, 0)));
}

fn outside_twice(scene: &mut Scene) {
    let mut talk = scene.talk();
    let syn = talk.segment(CLIENT, SYN, 0);
    talk.pass_inside(scene, &syn);
    talk.pass_outside(scene, &syn);
    talk.pass_outside(scene, &syn);
    talk.advance(CLIENT, &syn);
    answer_and_reset(&mut talk, scene);
    scene.expect(talk.record("rst", (10, 0), (0, 0)));
}

/// It left before this client's came in, so it is another's.
fn outside_first(scene: &mut Scene) {
    let mut talk = scene.talk();
    let syn = talk.segment(CLIENT, SYN, 0);
    talk.pass_outside(scene, &syn);
    talk.pass_inside(scene, &syn);
    talk.advance(CLIENT, &syn);
    answer_and_reset(&mut talk, scene);
    scene.expect(talk.record("rst", (10, 0), (0, 0)).unmatched("intercepted"));
}

fn blocked(scene: &mut Scene) {
    let mut talk = scene.talk();
    let syn = talk.segment(CLIENT, SYN, 0);
    talk.pass_inside(scene, &syn);
    let mut refusal = talk.segment(REMOTE, RST | ACK, 0);
    refusal.ack = syn.seq + 1;
    talk.pass_inside(scene, &refusal);
    scene.expect(talk.record("rst", (0, 0), (0, 0)).unmatched("blocked"));
}

fn intercepted(scene: &mut Scene) {
    let mut talk = scene.talk();
    let syn = talk.segment(CLIENT, SYN, 0);
    talk.pass_inside(scene, &syn);
    talk.advance(CLIENT, &syn);
    answer_and_reset(&mut talk, scene);
    scene.expect(talk.record("rst", (10, 0), (0, 0)).unmatched("intercepted"));
}

/// As with SYNPROXY, which chooses numbers of its own.
fn rewritten(scene: &mut Scene) {
    let mut talk = scene.talk();
    let mut syn = talk.segment(CLIENT, SYN, 0);
    talk.pass_inside(scene, &syn);
    talk.advance(CLIENT, &syn);
    syn.seq += 77;
    talk.pass_outside(scene, &syn);
    answer_and_reset(&mut talk, scene);
    scene.expect(talk.record("rst", (10, 0), (0, 0)).unmatched("intercepted"));
}

/// The client, and a second one with another translated port.
fn two_clients(scene: &Scene) -> [Talk; 2] {
    let first = scene.talk();
    let mut second = scene.talk();
    if let IpAddr::V4(ip) = second.client.ip() {
        let [a, b, c, d] = ip.octets();
        second.client.set_ip([a, b, c, d + 1].into());
    }
    second.translated.set_port(61_003);
    [first, second]
}

fn in_turn(scene: &mut Scene) {
    for mut talk in two_clients(scene) {
        talk.say(scene, CLIENT, SYN, 0);
        answer_and_reset(&mut talk, scene);
        scene.expect(talk.record("rst", (10, 0), (0, 0)));
    }
}

/// Both have come in when the first leaves: it can be either's.
fn at_once(scene: &mut Scene) {
    let mut talks = two_clients(scene);
    let syn = talks[0].segment(CLIENT, SYN, 0);
    for talk in &mut talks {
        talk.pass_inside(scene, &syn);
    }
    for talk in &mut talks {
        talk.pass_outside(scene, &syn);
        talk.advance(CLIENT, &syn);
    }
    for talk in &mut talks {
        answer_and_reset(talk, scene);
        scene.expect(talk.record("rst", (10, 0), (0, 0)).unmatched("ambiguous"));
    }
}

/// One SYN leaves, and no order proves whose it is.
fn one_blocked(scene: &mut Scene) {
    let mut talks = two_clients(scene);
    let syn = talks[0].segment(CLIENT, SYN, 0);
    for talk in &mut talks {
        talk.pass_inside(scene, &syn);
        talk.advance(CLIENT, &syn);
    }
    talks[1].pass_outside(scene, &syn);
    for talk in &mut talks {
        answer_and_reset(talk, scene);
        scene.expect(talk.record("rst", (10, 0), (0, 0)).unmatched("ambiguous"));
    }
}

fn thousand_remotes(scene: &mut Scene) {
    let mut talks: Vec<Talk> = (1..=1_000).map(|port| to_port(scene, port)).collect();
    for talk in &mut talks {
        talk.say(scene, CLIENT, SYN, 0);
    }
    for talk in &mut talks {
        answer_and_reset(talk, scene);
        scene.expect(talk.record("rst", (10, 0), (0, 0)));
    }
}

fn to_port(scene: &Scene, port: u16) -> Talk {
    let mut talk = scene.talk();
    talk.remote.set_port(port);
    talk.translated.set_port(20_000 + port);
    talk
}
