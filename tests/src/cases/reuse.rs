//! More than one connection with the same addresses and ports (rule 4 of the design): not one byte
//! of one lands in another.

use nat_acct_common::layout::Cause;
use nat_acct_common::packet::flag::{ACK, RST, SYN};

use super::Entry;
use super::scene::Scene;
use super::shape::Tcp;
use super::talk::{CLIENT, REMOTE, Talk};

pub const CASES: &[Entry] = &[
    ("segments of an unknown connection", unknown),
    (
        "new connection that is answered, late copies of the old one",
        answered,
    ),
    ("stray SYN and challenge ACK", challenged),
    (
        "challenge ACK that the client answers with RST",
        challenged_and_reset,
    ),
    ("same ISN again right after a close", |scene| {
        same_after_close(scene, false)
    }),
    ("same ISN again long after a close", |scene| {
        same_after_close(scene, true)
    }),
    ("same ISN again after a power cut", same_after_power_cut),
    (
        "same ISN again after a power cut, challenge ACK",
        same_challenged,
    ),
    (
        "same ISN again after a power cut, nothing was sent",
        same_challenged_at_once,
    ),
    ("late copies long after a close", late_after_close),
    ("other ISN right after a close", other_after_close),
    (
        "ISN a little above the old numbers, late copies",
        little_above,
    ),
    (
        "data in a SYN that is refused while another lives",
        data_refused,
    ),
];

fn unknown(scene: &mut Scene) {
    let talk = scene.talk();
    for (from, flags, payload) in [
        (CLIENT, ACK, 100),
        (REMOTE, ACK, 7),
        (CLIENT, RST, 0),
        (REMOTE, SYN | ACK, 0),
    ] {
        let tcp = talk.segment(from, flags, payload);
        talk.stray(scene, &tcp, Cause::UnknownConnection);
    }
}

/// Opens, and sends 10 bytes each way.
fn begun(scene: &mut Scene) -> Talk {
    let mut talk = scene.talk();
    talk.open(scene);
    talk.say(scene, CLIENT, ACK, 10);
    talk.say(scene, REMOTE, ACK, 10);
    talk
}

/// The copies come while the old connection waits for its record, and are in it.
fn answered(scene: &mut Scene) {
    let mut old = begun(scene);
    let mut late = old.segment(CLIENT, ACK, 10);
    late.seq -= 10;
    let mut new = old.anew(3_000_000_000, 2_000_000_000);
    new.open(scene);
    new.say(scene, CLIENT, ACK, 7);
    old.pass(scene, &late);
    new.say(scene, REMOTE, ACK, 8);
    scene.expect(old.record("reused", (20, 10), (10, 0)));
    scene.after_all_records();
    old.stray(scene, &late, Cause::Stray);
    new.say(scene, CLIENT, ACK, 1);
    new.close(scene);
    scene.expect(new.record("fin", (8, 0), (8, 0)));
}

/// RFC 5961, section 4: the remote asks whether its old peer is still there, and it is.
fn challenged(scene: &mut Scene) {
    let mut talk = begun(scene);
    let stray = talk.anew(3_000_000_000, 0);
    let syn = stray.segment(CLIENT, SYN, 0);
    stray.pass_uncounted(scene, &syn);
    talk.say(scene, REMOTE, ACK, 0);
    talk.say(scene, CLIENT, ACK, 5);
    talk.say(scene, REMOTE, ACK, 6);
    talk.close(scene);
    scene.expect(talk.record("fin", (15, 0), (16, 0)));
}

/// The client has been switched off and on; its RST makes the remote forget the old connection.
fn challenged_and_reset(scene: &mut Scene) {
    let old = begun(scene);
    challenge_and_go_on(old, scene, 3_000_000_000, 10);
}

fn challenge_and_go_on(mut old: Talk, scene: &mut Scene, client_isn: u32, payload: u64) {
    let mut new = old.anew(client_isn, 2_000_000_000);
    let syn = new.segment(CLIENT, SYN, 0);
    new.pass(scene, &syn);
    old.say(scene, REMOTE, ACK, 0);
    old.say(scene, CLIENT, RST, 0);
    new.open(scene);
    scene.expect(old.record("rst", (payload, 0), (payload, 0)));
    scene.let_linger();
    new.say(scene, CLIENT, ACK, 7);
    new.close(scene);
    scene.expect(new.record("fin", (7, 0), (0, 0)));
}

/// Small devices use the same port and number after every boot.
fn same_after_close(scene: &mut Scene, long_after: bool) {
    for payload in [11, 22] {
        if long_after && payload == 22 {
            scene.after_all_records();
        }
        let mut talk = scene.talk();
        talk.open(scene);
        talk.say(scene, CLIENT, ACK, payload);
        talk.say(scene, REMOTE, ACK, 2 * payload);
        talk.close(scene);
        let (sent, received) = (payload.into(), (2 * payload).into());
        scene.expect(talk.record("fin", (sent, 0), (received, 0)));
    }
}

/// No close is seen; the remote has given up the old connection, or was switched off too.
fn same_after_power_cut(scene: &mut Scene) {
    let old = begun(scene);
    let mut new = old.anew(1_000, 9_000);
    new.open(scene);
    new.say(scene, CLIENT, ACK, 7);
    new.close(scene);
    scene.expect(old.record("reused", (10, 0), (10, 0)));
    scene.expect(new.record("fin", (7, 0), (0, 0)));
}

/// The remote knows nothing of the power cut until it gets the RST.
fn same_challenged(scene: &mut Scene) {
    let old = begun(scene);
    challenge_and_go_on(old, scene, 1_000, 10);
}

/// The RST has the number that also follows the new SYN.
fn same_challenged_at_once(scene: &mut Scene) {
    let mut old = scene.talk();
    old.open(scene);
    challenge_and_go_on(old, scene, 1_000, 0);
}

/// Linux takes a number a little above the old ones when it re-uses a port that waits
/// (net/ipv4/tcp_ipv4.c, tcp_twsk_unique).
fn little_above(scene: &mut Scene) {
    let mut old = begun(scene);
    let late = Tcp {
        seq: 1_001,
        ..old.segment(CLIENT, ACK, 10)
    };
    old.close(scene);
    scene.expect(old.record("fin", (10, 0), (10, 0)));
    scene.after_all_records();
    let mut new = old.anew(*old.next.get(CLIENT) + 65_537, 2_000_000_000);
    new.open(scene);
    new.say(scene, CLIENT, ACK, 7);
    new.say(scene, REMOTE, ACK, 8);
    old.stray(scene, &late, Cause::Stray);
    new.close(scene);
    scene.expect(new.record("fin", (7, 0), (8, 0)));
}

fn late_after_close(scene: &mut Scene) {
    let mut talk = begun(scene);
    let mut late = talk.segment(REMOTE, ACK, 10);
    late.seq -= 10;
    talk.close(scene);
    talk.pass(scene, &late);
    scene.expect(talk.record("fin", (10, 0), (20, 10)));
    scene.after_all_records();
    talk.stray(scene, &late, Cause::UnknownConnection);
}

fn other_after_close(scene: &mut Scene) {
    let mut old = begun(scene);
    old.close(scene);
    let mut new = old.anew(3_000_000_000, 2_000_000_000);
    new.open(scene);
    let mut late = old.segment(CLIENT, ACK, 10);
    late.seq -= 11;
    old.pass(scene, &late);
    new.say(scene, CLIENT, ACK, 7);
    new.close(scene);
    scene.expect(old.record("fin", (20, 10), (10, 0)));
    scene.expect(new.record("fin", (7, 0), (0, 0)));
}

/// The RST acknowledges the SYN and its data, so it is the answer to that, and the old connection
/// goes on.
fn data_refused(scene: &mut Scene) {
    let mut old = begun(scene);
    let mut new = old.anew(3_000_000_000, 0);
    new.say(scene, CLIENT, SYN, 20);
    old.say(scene, REMOTE, ACK, 3);
    new.say(scene, REMOTE, RST | ACK, 0);
    old.say(scene, CLIENT, ACK, 5);
    old.say(scene, REMOTE, ACK, 6);
    old.close(scene);
    scene.expect(new.record("rst", (20, 0), (0, 0)));
    scene.expect(old.record("fin", (15, 0), (19, 0)));
}
