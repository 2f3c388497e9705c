//! Handshakes: SYN and SYN-ACK in all their forms (rules 1, 4, 9 and 11 of the design).

use nat_acct_common::layout::Cause;
use nat_acct_common::packet::flag::{ACK, FIN, RST, SYN};

use super::Entry;
use super::scene::Scene;
use super::shape::Tcp;
use super::talk::{CLIENT, REMOTE, Talk};

/// Bits of ECN (RFC 3168, section 6.1.1).
const ECE: u8 = 0x40;
const CWR: u8 = 0x80;

pub const CASES: &[Entry] = &[
    ("ECN and CWR on SYN", ecn),
    ("opened by the remote", by_remote),
    ("data in SYN (TCP Fast Open), acknowledged", data_taken),
    (
        "data in SYN (TCP Fast Open), refused and sent again",
        data_refused,
    ),
    ("data and FIN in SYN and SYN-ACK", all_at_once),
    ("data in a SYN that is reset", data_reset),
    ("SYN retransmitted after it was refused", refused_again),
    (
        "refused, then accepted with the same number",
        refused_then_accepted,
    ),
    (
        "another number before any answer, the second answered",
        second_answered,
    ),
    (
        "another number before any answer, the first answered",
        first_answered,
    ),
    ("SYN-ACK that acknowledges another number", wrong_answer),
    ("simultaneous open", simultaneous),
    ("split handshake", split),
    ("two SYN-ACKs, the first acknowledged", |scene| {
        two_answers(scene, 9_000)
    }),
    ("two SYN-ACKs, the second acknowledged", |scene| {
        two_answers(scene, 500_000_000)
    }),
    ("SYN-ACK retransmitted", answered_again),
    ("not answered", unanswered),
];

/// What has been opened says something each way, and closes.
fn go_on(mut talk: Talk, scene: &mut Scene) {
    talk.say(scene, CLIENT, ACK, 3);
    talk.say(scene, REMOTE, ACK, 4);
    talk.close(scene);
    scene.expect(talk.record("fin", (3, 0), (4, 0)));
}

fn ecn(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN | ECE | CWR, 0);
    talk.say(scene, REMOTE, SYN | ACK | ECE, 0);
    talk.say(scene, CLIENT, ACK, 0);
    go_on(talk, scene);
}

fn by_remote(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.opener = REMOTE;
    talk.open(scene);
    go_on(talk, scene);
}

/// TCP Fast Open (RFC 7413).
fn data_taken(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN, 20);
    talk.say(scene, REMOTE, SYN | ACK, 0);
    talk.say(scene, CLIENT, ACK, 5);
    talk.close(scene);
    scene.expect(talk.record("fin", (25, 0), (0, 0)));
}

/// The remote acknowledges the SYN alone.
fn data_refused(scene: &mut Scene) {
    let mut talk = scene.talk();
    let syn = talk.segment(CLIENT, SYN, 20);
    talk.pass(scene, &syn);
    *talk.next.get_mut(CLIENT) += 1;
    talk.say(scene, REMOTE, SYN | ACK, 0);
    talk.say(scene, CLIENT, ACK, 20);
    talk.close(scene);
    scene.expect(talk.record("fin", (40, 20), (0, 0)));
}

fn all_at_once(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN | FIN, 20);
    talk.say(scene, REMOTE, SYN | ACK | FIN, 30);
    talk.say(scene, CLIENT, ACK, 0);
    scene.expect(talk.record("fin", (20, 0), (30, 0)));
}

fn data_reset(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN, 20);
    talk.say(scene, REMOTE, RST | ACK, 0);
    scene.expect(talk.record("rst", (20, 0), (0, 0)));
}

/// A client that tries again with the same number within the linger time: each SYN that is refused
/// is the same attempt.
fn refused_again(scene: &mut Scene) {
    let mut talk = scene.talk();
    for _ in 0..3 {
        refuse(&mut talk, scene);
    }
    scene.expect(talk.record("rst", (0, 0), (0, 0)));
}

fn refuse(talk: &mut Talk, scene: &mut Scene) {
    let syn = talk.segment(CLIENT, SYN, 0);
    talk.pass(scene, &syn);
    let refusal = Tcp {
        ack: syn.seq + 1,
        ..talk.segment(REMOTE, RST | ACK, 0)
    };
    talk.pass(scene, &refusal);
}

/// The server has just been started: the refusal was no end.
fn refused_then_accepted(scene: &mut Scene) {
    let mut talk = scene.talk();
    refuse(&mut talk, scene);
    talk.open(scene);
    scene.let_linger();
    go_on(talk, scene);
}

fn second_answered(scene: &mut Scene) {
    let mut first = scene.talk();
    first.say(scene, CLIENT, SYN, 0);
    let mut second = first.anew(3_000_000_000, 2_000_000_000);
    second.open(scene);
    scene.expect(first.record("unanswered", (0, 0), (0, 0)));
    go_on(second, scene);
}

/// The second SYN is a stray: it is counted, and has no record.
fn first_answered(scene: &mut Scene) {
    let mut first = scene.talk();
    first.say(scene, CLIENT, SYN, 0);
    let second = first.anew(3_000_000_000, 0);
    second.pass_uncounted(scene, &second.segment(CLIENT, SYN, 0));
    first.say(scene, REMOTE, SYN | ACK, 0);
    first.say(scene, CLIENT, ACK, 0);
    go_on(first, scene);
}

/// It is an answer to another opening, of which nothing was seen.
fn wrong_answer(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN, 0);
    let answer = Tcp {
        seq: 77,
        ack: 500_000_000,
        ..talk.segment(REMOTE, SYN | ACK, 0)
    };
    talk.stray(scene, &answer, Cause::Stray);
    talk.say(scene, REMOTE, SYN | ACK, 0);
    talk.say(scene, CLIENT, ACK, 0);
    go_on(talk, scene);
}

/// RFC 9293, figure 7.
fn simultaneous(scene: &mut Scene) {
    let mut talk = scene.talk();
    let [client, remote] = [CLIENT, REMOTE].map(|from| talk.segment(from, SYN, 0));
    talk.pass(scene, &client);
    talk.pass(scene, &remote);
    talk.advance(CLIENT, &client);
    talk.advance(REMOTE, &remote);
    for syn in [client, remote] {
        let mut answer = talk.segment(syn.from, SYN | ACK, 0);
        answer.seq = syn.seq;
        talk.pass(scene, &answer);
    }
    go_on(talk, scene);
}

/// The remote acknowledges first, and sends a SYN of its own then.
fn split(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN, 0);
    talk.say(scene, REMOTE, ACK, 0);
    talk.say(scene, REMOTE, SYN, 0);
    let mut answer = talk.segment(CLIENT, SYN | ACK, 0);
    answer.seq -= 1;
    talk.pass(scene, &answer);
    talk.say(scene, REMOTE, ACK, 0);
    go_on(talk, scene);
}

/// The ISN of the remote is that of the SYN-ACK which the client acknowledges.
fn two_answers(scene: &mut Scene, acknowledged: u32) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN, 0);
    for isn in [9_000, 500_000_000] {
        *talk.next.get_mut(REMOTE) = isn;
        talk.say(scene, REMOTE, SYN | ACK, 0);
    }
    *talk.next.get_mut(REMOTE) = acknowledged + 1;
    talk.say(scene, CLIENT, ACK, 0);
    go_on(talk, scene);
}

fn answered_again(scene: &mut Scene) {
    let mut talk = scene.talk();
    talk.say(scene, CLIENT, SYN, 0);
    let answer = talk.segment(REMOTE, SYN | ACK, 0);
    talk.pass(scene, &answer);
    talk.pass(scene, &answer);
    talk.advance(REMOTE, &answer);
    talk.say(scene, CLIENT, ACK, 0);
    talk.pass(scene, &answer);
    talk.say(scene, CLIENT, ACK, 0);
    go_on(talk, scene);
}

fn unanswered(scene: &mut Scene) {
    let mut talk = scene.talk();
    let syn = talk.segment(CLIENT, SYN, 0);
    talk.pass(scene, &syn);
    talk.pass(scene, &syn);
    scene.expect(talk.record("stopped", (0, 0), (0, 0)));
}
