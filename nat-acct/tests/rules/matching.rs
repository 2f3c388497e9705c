//! Which translated address belongs to whom (rules 1, 2, 10, 12).

use std::collections::BTreeSet;

use nat_acct::record::{Account, Direction, Match};
use nat_acct_common::{
    layout::{Address, Sender},
    packet::flag,
};

use crate::gateway::{Gateway, SECOND, Talk, talk};

#[test]
fn one_port_to_many_remotes() {
    let mut gateway = Gateway::new();
    for remote_port in 1..=30 {
        let mut talk = talk(5000, 1_000, 9_000);
        talk.remote.1 = remote_port;
        talk.translated.1 = 40_000 + remote_port;
        talk.syn(&mut gateway);
    }
    let records = gateway.stop();
    assert_eq!(records.len(), 30);
    for record in records {
        let port = record.translated.map(|translated| translated.endpoint.port);
        assert_eq!(port, Some(40_000 + record.remote.port));
    }
}

#[test]
fn the_events_of_the_outside_may_come_first() {
    check_outside_first(0);
}

/// The agent has stood still, events were lost, and a sweep looks at the outside first.
#[test]
fn an_opening_may_be_found_long_after_its_syn_on_the_outside() {
    check_outside_first(10 * SECOND);
}

/// The engine hears of the packets in the other order than they passed, and of the first one so late.
fn check_outside_first(late_ns: u64) {
    let mut gateway = Gateway::new();
    let talk = talk(5000, 1_000, 9_000);
    let mut outside = talk.by_client(flag::SYN, 0);
    outside.source_port = talk.translated.1;
    outside.source = talk.translated.0.into();
    let seen_ns = gateway.now_ns + 5_000;
    let mut first = nat_acct::source::memory::MemorySource::new(8, false);
    first.outside(&outside, Sender::Client, 0, seen_ns);
    first.drive(&mut gateway.engine, seen_ns + late_ns);
    gateway.engine.handle_timeout(seen_ns + late_ns + SECOND);
    let inside = talk.by_client(flag::SYN, 0);
    gateway
        .source
        .inside(&inside, Sender::Client, 0, seen_ns - 4_000);
    let [record] = gateway.stop()[..] else {
        panic!("not one record");
    };
    assert_eq!(translated_port(&record), Some(talk.translated.1));
}

/// The remote still has a connection with the first translated port, and the client refuses its
/// answer by an RST, by which the gateway forgets that translation.
#[test]
fn a_syn_that_is_translated_anew() {
    let ports = |is_sent_again: bool| {
        let mut gateway = Gateway::new();
        let mut talk = talk(5000, 1_000, 9_000);
        talk.syn_inside(&mut gateway);
        talk.syn_outside(&mut gateway);
        talk.translated.1 = 40_000;
        if is_sent_again {
            talk.syn_inside(&mut gateway);
        }
        talk.syn_outside(&mut gateway);
        let [record] = gateway.stop()[..] else {
            panic!("not one record");
        };
        translated_port(&record)
    };
    assert_eq!(ports(true), Some(40_000));
    // It may be another's, whose opening was not seen.
    assert_eq!(ports(false), None);
}

#[test]
fn the_same_isn_to_the_same_remote_in_proved_order() {
    let mut gateway = Gateway::new();
    let [mut first, mut second] = twins();
    first.syn(&mut gateway);
    second.syn(&mut gateway);
    check(
        &gateway.stop(),
        [Some(first), Some(second)],
        Match::Sequence,
    );
}

#[test]
fn the_same_isn_to_the_same_remote_without_proof() {
    let mut gateway = Gateway::new();
    let [first, second] = twins();
    first.syn_inside(&mut gateway);
    second.syn_inside(&mut gateway);
    second.syn_outside(&mut gateway);
    first.syn_outside(&mut gateway);
    check(&gateway.stop(), [None, None], Match::Ambiguous);
}

#[test]
fn one_of_two_twins_is_blocked() {
    let mut gateway = Gateway::new();
    let [first, second] = twins();
    first.syn_inside(&mut gateway);
    second.syn_inside(&mut gateway);
    second.syn_outside(&mut gateway);
    check(&gateway.stop(), [None, None], Match::Ambiguous);
}

#[test]
fn a_twin_stays_ambiguous_after_the_other_is_gone() {
    let mut gateway = Gateway::new();
    let [mut first, mut second] = twins();
    first.syn_inside(&mut gateway);
    first.sent += 1;
    second.syn(&mut gateway);
    first.reset_by_remote(&mut gateway);
    let gone = gateway.only_record();
    assert_eq!(gone.matched, Match::Ambiguous);
    second.syn_ack(&mut gateway);
    let [rest] = gateway.stop()[..] else {
        panic!("not one record");
    };
    assert_eq!((rest.matched, rest.translated), (Match::Ambiguous, None));
}

#[test]
fn a_twin_that_opens_after_the_sighting() {
    let mut gateway = Gateway::new();
    let [mut first, second] = twins();
    first.syn(&mut gateway);
    second.syn_inside(&mut gateway);
    let records = gateway.stop();
    let of = |talk: &Talk| {
        let same = |record: &&Account| record.client.ip == talk.client.0;
        *records.iter().find(same).expect("a record")
    };
    assert_eq!(translated_port(&of(&first)), Some(first.translated.1));
    assert_eq!(of(&second).matched, Match::Blocked);
}

#[test]
fn blocked_local_or_intercepted() {
    let mut gateway = Gateway::new();
    let blocked = talk(5000, 1_000, 9_000);
    blocked.syn_inside(&mut gateway);
    let mut intercepted = talk(5001, 1_000, 9_000);
    intercepted.syn_inside(&mut gateway);
    intercepted.sent += 1;
    intercepted.syn_ack(&mut gateway);
    let mut local = talk(5002, 1_000, 9_000);
    local.remote.0 = [192, 168, 17, 1].into();
    gateway
        .engine
        .set_local_addresses(BTreeSet::from([local.remote.0]));
    local.syn_inside(&mut gateway);
    let records = gateway.stop();
    let matched: Vec<_> = records.iter().map(|record| record.matched).collect();
    assert_eq!(matched, [Match::Blocked, Match::Intercepted, Match::Local]);
    assert!(records.iter().all(|record| record.translated.is_none()));
}

/// The gateway leads the first one elsewhere, right to the remote of the other one.
#[test]
fn a_translated_remote_is_not_taken_for_the_remote_of_another() {
    let mut gateway = Gateway::new();
    let [mut first, second] = twins();
    let wanted = second.remote;
    first.remote.0 = [203, 0, 113, 99].into();
    second.syn_inside(&mut gateway);
    first.syn_inside(&mut gateway);
    let led = Talk {
        remote: wanted,
        ..first
    };
    led.syn_outside(&mut gateway);
    first.sent += 1;
    first.syn_ack(&mut gateway);
    first.ack(&mut gateway);
    first.reset(&mut gateway);
    let led = gateway.only_record();
    assert_eq!((led.matched, led.translated), (Match::Intercepted, None));
    let [second] = gateway.stop()[..] else {
        panic!("not one record");
    };
    assert_eq!(
        (second.matched, second.translated),
        (Match::Ambiguous, None)
    );
}

#[test]
fn an_answer_proves_whose_the_sighting_was() {
    let mut gateway = Gateway::new();
    let [first, mut second] = twins();
    let mut blocked = first;
    blocked.remote.0 = [203, 0, 113, 99].into();
    blocked.syn_inside(&mut gateway);
    second.open(&mut gateway);
    second.reset(&mut gateway);
    let second_record = gateway.only_record();
    assert_eq!(second_record.matched, Match::Sequence);
    assert_eq!(translated_port(&second_record), Some(second.translated.1));
}

#[test]
fn not_translated_at_all() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.translated = talk.client;
    talk.syn(&mut gateway);
    let [record] = gateway.stop()[..] else {
        panic!("not one record");
    };
    assert_eq!(record.matched, Match::Sequence);
    let translated = record.translated.expect("a translated address");
    assert_eq!(translated.endpoint, record.client);
}

#[test]
fn inbound_through_a_port_forward() {
    let mut gateway = Gateway::new();
    let mut talk = talk(8080, 1_000, 9_000);
    talk.remote.1 = 33_333;
    let mut outside = talk.by_remote(flag::SYN, 0);
    outside.destination = Address::from(talk.translated.0);
    outside.destination_port = talk.translated.1;
    gateway.outside(outside, Sender::Remote);
    gateway.inside(talk.by_remote(flag::SYN, 0), Sender::Remote);
    talk.received = talk.received.wrapping_add(1);
    gateway.inside(talk.by_client(flag::SYN | flag::ACK, 0), Sender::Client);
    talk.sent = talk.sent.wrapping_add(1);
    talk.ack_by_remote(&mut gateway);
    talk.receive(&mut gateway, 5);
    talk.send(&mut gateway, 600);
    talk.finish(&mut gateway, 0);
    talk.finish_by_remote(&mut gateway, 0);
    let record = gateway.only_record();
    assert_eq!(record.direction, Direction::Inbound);
    assert_eq!(translated_port(&record), Some(talk.translated.1));
    assert_eq!(record.totals.sent.payload_bytes, 600);
    assert_eq!(record.totals.received.payload_bytes, 5);
}

#[test]
fn the_gateways_own_connections_are_nobodys() {
    let mut gateway = Gateway::new();
    talk(5000, 1_000, 9_000).syn_outside(&mut gateway);
    gateway.wait(10 * SECOND);
    assert_eq!(gateway.engine.stats().outside_unmatched, 1);
    assert!(gateway.stop().is_empty());
}

/// Two clients with the same ISN to the same remote.
fn twins() -> [Talk; 2] {
    let first = talk(5000, 1_000, 9_000);
    let mut second = first;
    second.client.0 = [192, 168, 17, 12].into();
    second.translated.1 = 44_444;
    [first, second]
}

fn check(records: &[Account], expected: [Option<Talk>; 2], matched: Match) {
    assert_eq!(records.len(), 2);
    for (record, expected) in records.iter().zip(expected) {
        let port = expected.map(|talk| talk.translated.1);
        assert_eq!((record.matched, translated_port(record)), (matched, port));
    }
}

fn translated_port(record: &Account) -> Option<u16> {
    record.translated.map(|translated| translated.endpoint.port)
}

/// That no SYN was seen on the outside says nothing of when nobody looked there.
#[test]
fn an_opening_while_the_outside_was_not_seen_is_ambiguous() {
    let mut gateway = Gateway::new();
    let matched = |gateway: &mut Gateway, port, is_answered| {
        let mut talk = talk(port, port.into(), 9_000);
        talk.syn_inside(gateway);
        if is_answered {
            talk.sent = talk.sent.wrapping_add(1);
            talk.syn_ack(gateway);
        }
        gateway.now_ns
    };
    let from_ns = matched(&mut gateway, 5000, false) + 1;
    gateway.wait(SECOND);
    matched(&mut gateway, 5001, false);
    matched(&mut gateway, 5002, true);
    gateway.engine.note_outside_missed(from_ns..=gateway.now_ns);
    gateway.wait(SECOND);
    matched(&mut gateway, 5003, true);
    let mut found: Vec<_> = gateway
        .stop()
        .iter()
        .map(|record| (record.client.port, record.matched))
        .collect();
    found.sort_by_key(|(port, _)| *port);
    let expect = [
        (5000, Match::Blocked),
        (5001, Match::Ambiguous),
        (5002, Match::Ambiguous),
        (5003, Match::Intercepted),
    ];
    assert_eq!(found, expect);
}
