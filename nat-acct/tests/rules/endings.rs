//! When a connection ends, why, and what was counted (rules 3, 6, 7, 8).

use nat_acct::{
    engine::Timeouts,
    record::{Account, Direction, End, Match},
};
use nat_acct_common::layout::Cause;

use crate::gateway::{Gateway, MILLISECOND, SECOND, talk};

#[test]
fn both_fins() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    talk.send(&mut gateway, 33);
    talk.receive(&mut gateway, 400);
    talk.finish(&mut gateway, 0);
    talk.finish_by_remote(&mut gateway, 0);
    talk.ack(&mut gateway);
    let ended_ns = gateway.now_ns;
    let record = gateway.only_record();
    check(&record, End::Fin, (33, 400));
    assert_eq!(record.matched, Match::Sequence);
    assert_eq!(record.direction, Direction::Outbound);
    assert_eq!(record.end_ns, ended_ns, "the last segment ends it");
    assert_eq!(record.totals.sent.packets, 5);
    assert_eq!(record.totals.received.packets, 3);
    assert_eq!(record.totals.sent.ip_bytes, 33 + 5 * 40);
}

#[test]
fn a_half_closed_connection_goes_on() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    talk.finish(&mut gateway, 10);
    gateway.wait(100 * SECOND);
    talk.receive(&mut gateway, 5_000);
    talk.ack(&mut gateway);
    gateway.wait(100 * SECOND);
    talk.finish_by_remote(&mut gateway, 7);
    check(&gateway.only_record(), End::Fin, (10, 5_007));
}

#[test]
fn one_fin_then_silence() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    talk.finish(&mut gateway, 10);
    talk.ack_by_remote(&mut gateway);
    gateway.wait(119 * SECOND);
    assert!(gateway.records().is_empty());
    gateway.wait(2 * SECOND);
    check(&gateway.only_record(), End::Closing, (10, 0));
}

#[test]
fn the_first_fin_if_so_wanted() {
    let mut gateway = Gateway::with(Timeouts {
        close_on_first_fin: true,
        ..Timeouts::default()
    });
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    talk.receive(&mut gateway, 20);
    talk.finish(&mut gateway, 10);
    let ended_ns = gateway.now_ns;
    talk.receive(&mut gateway, 5_000);
    talk.finish_by_remote(&mut gateway, 0);
    let record = gateway.only_record();
    check(&record, End::Fin, (10, 20));
    assert_eq!(record.end_ns, ended_ns);
    assert_eq!(gateway.ignored(Cause::AfterFirstFin), 2);
}

#[test]
fn reset() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    talk.send(&mut gateway, 33);
    talk.reset_by_remote(&mut gateway);
    check(&gateway.only_record(), End::Rst, (33, 0));
}

#[test]
fn a_reset_after_which_data_flows_both_ways_was_none() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    talk.reset(&mut gateway);
    talk.send(&mut gateway, 33);
    talk.receive(&mut gateway, 44);
    gateway.wait(10 * SECOND);
    assert!(gateway.records().is_empty());
    talk.send(&mut gateway, 1);
    talk.reset(&mut gateway);
    check(&gateway.only_record(), End::Rst, (34, 44));
    assert_eq!(gateway.engine.stats().resets_refuted, 1);
}

#[test]
fn data_of_a_reset_is_no_payload() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    let mut reset = talk.by_client(0x04, 17);
    reset.ack = 0;
    gateway.inside(reset, nat_acct_common::layout::Sender::Client);
    check(&gateway.only_record(), End::Rst, (0, 0));
}

#[test]
fn refused() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 0);
    talk.syn(&mut gateway);
    talk.reset_by_remote(&mut gateway);
    let record = gateway.only_record();
    check(&record, End::Rst, (0, 0));
    assert_eq!(record.matched, Match::Sequence);
}

#[test]
fn unanswered() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 0);
    talk.syn(&mut gateway);
    let last_ns = gateway.now_ns - MILLISECOND / 10;
    gateway.wait(119 * SECOND);
    assert!(gateway.records().is_empty());
    gateway.wait(2 * SECOND);
    let record = gateway.only_record();
    check(&record, End::Unanswered, (0, 0));
    assert_eq!(record.end_ns, last_ns);
}

#[test]
fn idle() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    gateway.wait(7_000 * SECOND);
    talk.send(&mut gateway, 5);
    gateway.wait((2 * 3_600 + 3 * 60) * SECOND);
    assert!(gateway.records().is_empty());
    gateway.wait(61 * SECOND);
    check(&gateway.only_record(), End::Idle, (5, 0));
}

#[test]
fn idle_sooner_than_an_opening_would_be_given_up() {
    let mut gateway = Gateway::with(Timeouts {
        idle_ns: 2 * SECOND,
        ..Timeouts::default()
    });
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    gateway.wait(SECOND);
    assert!(gateway.records().is_empty());
    gateway.wait(2 * SECOND);
    let [record] = gateway.records()[..] else {
        panic!("not one record");
    };
    check(&record, End::Idle, (0, 0));
}

#[test]
fn stopped() {
    let mut gateway = Gateway::new();
    let mut open = talk(5000, 1_000, 9_000);
    open.open(&mut gateway);
    open.send(&mut gateway, 12);
    let mut over = talk(5001, 1_000, 9_000);
    over.open(&mut gateway);
    over.reset(&mut gateway);
    let records = gateway.stop();
    let reason = |port| {
        let of_port = |record: &&Account| record.client.port == port;
        records.iter().find(of_port).and_then(|record| record.end())
    };
    assert_eq!(reason(5000), Some(End::AgentStop));
    assert_eq!(reason(5001), Some(End::Rst), "it had ended before");
    assert_eq!(records.len(), 2);
}

#[test]
fn stragglers_are_in_the_record_and_later_ones_in_none() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    let again = talk.by_remote(0x10, 100);
    talk.receive(&mut gateway, 100);
    talk.finish(&mut gateway, 0);
    talk.finish_by_remote(&mut gateway, 0);
    gateway.inside(again, nat_acct_common::layout::Sender::Remote);
    let record = gateway.only_record();
    check(&record, End::Fin, (0, 200));
    assert_eq!(record.totals.received.retransmitted_bytes, 100);
    gateway.inside(again, nat_acct_common::layout::Sender::Remote);
    gateway.wait(10 * SECOND);
    assert!(gateway.records().is_empty());
    assert_eq!(gateway.ignored(Cause::UnknownConnection), 1);
}

/// Reason, payload sent and received; and that nothing is missing.
fn check(record: &Account, end: End, payload: (u64, u64)) {
    let totals = &record.totals;
    assert_eq!(record.end(), Some(end));
    assert_eq!(
        (totals.sent.payload_bytes, totals.received.payload_bytes),
        payload
    );
    assert!(!record.partial);
}

#[test]
fn an_answer_that_was_missed_is_marked() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.syn(&mut gateway);
    // All that the remote says goes another way.
    talk.received = talk.received.wrapping_add(1);
    talk.ack(&mut gateway);
    talk.send(&mut gateway, 100);
    talk.reset(&mut gateway);
    let record = gateway.only_record();
    assert_eq!(record.totals.sent.payload_bytes, 100);
    assert!(record.partial, "{record:#?}");
}

#[test]
fn where_packets_go_past_only_fins_prove_that_a_count_is_whole() {
    let mut gateway = Gateway::new();
    let mut talks = [5000, 5001].map(|port| talk(port, 1_000, 9_000));
    for talk in &mut talks {
        talk.open(&mut gateway);
        talk.send(&mut gateway, 33);
    }
    gateway.engine.note_bypass(0, gateway.now_ns);
    gateway.engine.note_bypass(1, u64::MAX);
    let [whole, cut] = &mut talks;
    whole.finish(&mut gateway, 0);
    whole.finish_by_remote(&mut gateway, 0);
    cut.reset(&mut gateway);
    let mut later = talk(5002, 1_000, 9_000);
    later.open(&mut gateway);
    later.reset(&mut gateway);
    let partial = |port: u16| (port, port == 5001);
    let found: Vec<_> = gateway
        .stop()
        .iter()
        .map(|record| (record.client.port, record.partial))
        .collect();
    assert_eq!(found, [5000, 5001, 5002].map(partial));
}
