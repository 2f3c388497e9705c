//! FIN and RST in all their forms (rules 7 and 9 of the design).

use nat_acct_common::layout::{Cause, PerSender, Sender};
use nat_acct_common::packet::flag::{ACK, FIN, RST};

use super::Entry;
use super::scene::Scene;
use super::shape::Tcp;
use super::talk::{CLIENT, REMOTE, Talk};

pub const CASES: &[Entry] = &[
    ("half-closed", half_closed),
    ("FIN before its data", fin_first),
    ("FIN with data", fin_with_data),
    ("FIN retransmitted", fin_again),
    ("both FINs at once", both_at_once),
    ("RST", reset),
    ("RST with data", reset_with_data),
    ("RST that was no end", refuted),
    (
        "RST that was no end, of the client in a download",
        |scene| one_way(scene, CLIENT, REMOTE),
    ),
    (
        "RST that was no end, of the remote in a download",
        |scene| one_way(scene, REMOTE, REMOTE),
    ),
    ("RST that was no end, of the client in an upload", |scene| {
        one_way(scene, CLIENT, CLIENT)
    }),
    ("data on its way when the client aborts", aborted),
    ("retransmission after the last FIN", straggler),
];

fn opened(scene: &mut Scene) -> Talk {
    let mut talk = scene.talk();
    talk.open(scene);
    talk.say(scene, CLIENT, ACK, 10);
    talk.say(scene, REMOTE, ACK, 20);
    talk
}

fn half_closed(scene: &mut Scene) {
    let mut talk = opened(scene);
    talk.say(scene, CLIENT, FIN | ACK, 0);
    for _ in 0..5 {
        talk.say(scene, REMOTE, ACK, 1_000);
        talk.say(scene, CLIENT, ACK, 0);
    }
    talk.say(scene, REMOTE, FIN | ACK, 0);
    scene.expect(talk.record("fin", (10, 0), (5_020, 0)));
}

fn fin_first(scene: &mut Scene) {
    let mut talk = opened(scene);
    let late = talk.segment(CLIENT, ACK, 70);
    talk.advance(CLIENT, &late);
    talk.say(scene, CLIENT, FIN | ACK, 30);
    talk.pass(scene, &late);
    talk.say(scene, REMOTE, FIN | ACK, 0);
    talk.say(scene, CLIENT, ACK, 0);
    scene.expect(talk.record("fin", (110, 0), (20, 0)));
}

fn fin_with_data(scene: &mut Scene) {
    let mut talk = opened(scene);
    talk.say(scene, CLIENT, FIN | ACK, 1);
    talk.say(scene, REMOTE, FIN | ACK, 2);
    talk.say(scene, CLIENT, ACK, 0);
    scene.expect(talk.record("fin", (11, 0), (22, 0)));
}

fn fin_again(scene: &mut Scene) {
    let mut talk = opened(scene);
    let fin = talk.segment(CLIENT, FIN | ACK, 5);
    for _ in 0..3 {
        talk.pass(scene, &fin);
    }
    talk.advance(CLIENT, &fin);
    talk.say(scene, REMOTE, FIN | ACK, 0);
    talk.say(scene, CLIENT, ACK, 0);
    scene.expect(talk.record("fin", (25, 10), (20, 0)));
}

fn both_at_once(scene: &mut Scene) {
    let mut talk = opened(scene);
    let fins = [CLIENT, REMOTE].map(|from| talk.segment(from, FIN | ACK, 0));
    for fin in &fins {
        talk.pass(scene, fin);
    }
    for fin in &fins {
        talk.advance(fin.from, fin);
    }
    talk.say(scene, CLIENT, ACK, 0);
    talk.say(scene, REMOTE, ACK, 0);
    scene.expect(talk.record("fin", (10, 0), (20, 0)));
}

fn reset(scene: &mut Scene) {
    let mut talk = opened(scene);
    talk.say(scene, REMOTE, RST | ACK, 0);
    scene.expect(talk.record("rst", (10, 0), (20, 0)));
}

/// It is a diagnostic, and no part of the stream (RFC 9293, section 3.5.3).
fn reset_with_data(scene: &mut Scene) {
    let mut talk = opened(scene);
    talk.say(scene, REMOTE, RST | ACK, 17);
    scene.expect(talk.record("rst", (10, 0), (20, 0)));
}

/// Data goes on in both directions: somebody else sent it, and neither end took it.
fn refuted(scene: &mut Scene) {
    let mut talk = opened(scene);
    talk.say(scene, CLIENT, RST, 0);
    talk.say(scene, CLIENT, ACK, 33);
    talk.say(scene, REMOTE, ACK, 44);
    scene.let_linger();
    talk.say(scene, REMOTE, ACK, 1);
    talk.close(scene);
    scene.expect(talk.record("fin", (43, 0), (65, 0)));
}

/// One side sends, and the other only acknowledges: what came after the RST as well.
fn one_way(scene: &mut Scene, resets: Sender, sends: Sender) {
    let mut talk = opened(scene);
    talk.say(scene, resets, RST, 0);
    for _ in 0..3 {
        talk.say(scene, sends, ACK, 1_000);
        talk.say(scene, sends.peer(), ACK, 0);
    }
    scene.let_linger();
    talk.say(scene, sends, ACK, 1_000);
    talk.close(scene);
    let mut payload = PerSender([10, 20]);
    *payload.get_mut(sends) += 4_000;
    let PerSender([sent, received]) = payload;
    scene.expect(talk.record("fin", (sent, 0), (received, 0)));
}

/// The client answers what still comes with RST, and acknowledges nothing of it.
fn aborted(scene: &mut Scene) {
    let mut talk = opened(scene);
    let acknowledged = talk.segment(CLIENT, ACK, 0).ack;
    for _ in 0..3 {
        let reset = Tcp {
            ack: acknowledged,
            ..talk.segment(CLIENT, RST | ACK, 0)
        };
        talk.pass(scene, &reset);
        talk.say(scene, REMOTE, ACK, 1_000);
    }
    scene.expect(talk.record("rst", (10, 0), (3_020, 0)));
    scene.after_all_records();
    let late = talk.segment(REMOTE, ACK, 1_000);
    talk.stray(scene, &late, Cause::UnknownConnection);
}

fn straggler(scene: &mut Scene) {
    let mut talk = opened(scene);
    let mut again = talk.segment(REMOTE, ACK, 20);
    again.seq -= 20;
    talk.close(scene);
    talk.pass(scene, &again);
    scene.expect(talk.record("fin", (10, 0), (40, 20)));
}
