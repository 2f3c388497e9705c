//! More than one SYN for a 4-tuple: retransmissions, new attempts and stray ones (rules 4, 5).

use nat_acct::record::{Account, End, Match};
use nat_acct_common::{
    layout::{Cause, Sender},
    packet::flag,
};

use crate::gateway::{Gateway, SECOND, talk};

#[test]
fn a_retransmitted_syn_opens_nothing_new() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.syn_inside(&mut gateway);
    gateway.wait(SECOND);
    talk.syn(&mut gateway);
    talk.syn_ack(&mut gateway);
    talk.ack(&mut gateway);
    talk.finish(&mut gateway, 1);
    talk.finish_by_remote(&mut gateway, 2);
    let record = gateway.only_record();
    assert_eq!(brief(&record), (End::Fin, 1, 2));
    assert_eq!(record.matched, Match::Sequence);
}

#[test]
fn segments_of_an_unknown_connection_are_ignored() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.send(&mut gateway, 100);
    talk.receive(&mut gateway, 100);
    let mut super_packet = talk.by_client(flag::ACK, 3_000);
    super_packet.packets = 3;
    gateway.inside(super_packet, Sender::Client);
    talk.finish(&mut gateway, 0);
    assert!(gateway.stop().is_empty());
    assert_eq!(gateway.ignored(Cause::UnknownConnection), 6);
}

#[test]
fn a_new_connection_that_is_answered_ends_the_old_one() {
    let mut gateway = Gateway::new();
    let mut old = talk(5000, 1_000, 9_000);
    old.open(&mut gateway);
    old.send(&mut gateway, 10);
    let late = old.by_client(flag::ACK, 0);
    let mut late_copy = late;
    late_copy.seq = late.seq.wrapping_sub(10);
    late_copy.payload = 10;
    let mut new = talk(5000, 3_000_000_000, 2_000_000_000);
    new.open(&mut gateway);
    new.send(&mut gateway, 7);
    gateway.inside(late_copy, Sender::Client);
    new.receive(&mut gateway, 8);
    gateway.wait(2 * SECOND);
    let records = gateway.records();
    assert_eq!(records.len(), 1);
    assert_eq!(brief(&records[0]), (End::Reused, 20, 0));
    assert_eq!(records[0].totals.sent.retransmitted_bytes, 10);
    // The old one is gone by now; its late copies belong to nobody.
    gateway.inside(late_copy, Sender::Client);
    new.finish(&mut gateway, 0);
    new.finish_by_remote(&mut gateway, 0);
    assert_eq!(brief(&gateway.only_record()), (End::Fin, 7, 8));
    assert_eq!(gateway.ignored(Cause::Stray), 1);
}

#[test]
fn a_stray_syn_that_is_challenged_changes_nothing() {
    let mut gateway = Gateway::new();
    let mut old = talk(5000, 1_000, 9_000);
    old.open(&mut gateway);
    old.send(&mut gateway, 10);
    let mut stray = talk(5000, 3_000_000_000, 0);
    stray.syn(&mut gateway);
    old.ack_by_remote(&mut gateway);
    old.send(&mut gateway, 5);
    old.receive(&mut gateway, 6);
    gateway.wait(200 * SECOND);
    assert!(gateway.records().is_empty());
    assert_eq!(gateway.engine.stats().stray_openings, 1);
    old.finish(&mut gateway, 0);
    old.finish_by_remote(&mut gateway, 0);
    assert_eq!(brief(&gateway.only_record()), (End::Fin, 15, 6));
}

#[test]
fn a_challenge_that_the_client_answers_with_a_reset() {
    let mut gateway = Gateway::new();
    let mut old = talk(5000, 1_000, 9_000);
    old.open(&mut gateway);
    old.send(&mut gateway, 10);
    let mut new = talk(5000, 3_000_000_000, 2_000_000_000);
    new.syn(&mut gateway);
    old.ack_by_remote(&mut gateway);
    old.reset(&mut gateway);
    new.sent = new.sent.wrapping_sub(1);
    new.open(&mut gateway);
    new.send(&mut gateway, 7);
    new.finish(&mut gateway, 0);
    new.finish_by_remote(&mut gateway, 0);
    gateway.wait(5 * SECOND);
    let records: Vec<_> = gateway.records().iter().map(brief).collect();
    assert_eq!(records, [(End::Rst, 10, 0), (End::Fin, 7, 0)]);
}

#[test]
fn the_same_port_right_after_a_reset() {
    let mut gateway = Gateway::new();
    for round in 1..=20 {
        let mut talk = talk(5000, round * 1_000_000, round * 9_000_000);
        talk.open(&mut gateway);
        talk.send(&mut gateway, round);
        talk.receive(&mut gateway, 2 * round);
        talk.reset(&mut gateway);
    }
    gateway.wait(5 * SECOND);
    let records: Vec<_> = gateway.records().iter().map(brief).collect();
    let expected: Vec<_> = (1..=20).map(|n| (End::Rst, n, 2 * n)).collect();
    assert_eq!(records, expected);
}

#[test]
fn refused_again_and_again() {
    let mut gateway = Gateway::new();
    for round in 1..=20 {
        let mut talk = talk(5000, round * 1_000_000, 0);
        talk.syn(&mut gateway);
        talk.reset_by_remote(&mut gateway);
    }
    gateway.wait(5 * SECOND);
    let records: Vec<_> = gateway.records().iter().map(brief).collect();
    assert_eq!(records, [(End::Rst, 0, 0); 20]);
}

#[test]
fn the_same_isn_after_the_device_was_switched_off() {
    let mut gateway = Gateway::new();
    for _ in 0..2 {
        let mut talk = talk(5000, 1_000, 9_000);
        talk.open(&mut gateway);
        talk.send(&mut gateway, 10);
        gateway.wait(60 * SECOND);
    }
    let records = gateway.records();
    assert_eq!(
        records.iter().map(brief).collect::<Vec<_>>(),
        [(End::Reused, 10, 0)]
    );
    let rest = gateway.stop();
    assert_eq!(
        rest.iter().map(brief).collect::<Vec<_>>(),
        [(End::AgentStop, 10, 0)]
    );
    assert_eq!(rest[0].matched, Match::Sequence);
}

/// Reason, payload sent and received; and that nothing is missing.
fn brief(record: &Account) -> (End, u64, u64) {
    assert!(!record.partial, "{record:#?}");
    let totals = &record.totals;
    (
        record.end().expect("an end"),
        totals.sent.payload_bytes,
        totals.received.payload_bytes,
    )
}
