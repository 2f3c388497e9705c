//! What sequence numbers prove (rule 9): retransmissions, missed bytes, long streams.

use nat_acct::record::{Closed, End};
use nat_acct_common::{layout::Sender, packet::flag};

use crate::gateway::{Gateway, talk};

#[test]
fn numbers_wrap() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, u32::MAX - 5, u32::MAX);
    talk.open(&mut gateway);
    talk.send(&mut gateway, 33);
    talk.receive(&mut gateway, 400);
    talk.finish(&mut gateway, 0);
    talk.finish_by_remote(&mut gateway, 0);
    check(&gateway.only_record(), (33, 0), (400, 0), false);
}

#[test]
fn more_than_4_gib() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    let segments = 100_000;
    for _ in 0..segments {
        talk.receive(&mut gateway, 65_000);
        talk.ack(&mut gateway);
    }
    let again = {
        let mut segment = talk.by_remote(flag::ACK, 65_000);
        segment.seq = segment.seq.wrapping_sub(65_000);
        segment
    };
    gateway.inside(again, Sender::Remote);
    talk.finish_by_remote(&mut gateway, 0);
    talk.finish(&mut gateway, 0);
    let stream = segments * 65_000;
    check(
        &gateway.only_record(),
        (0, 0),
        (stream + 65_000, 65_000),
        false,
    );
}

#[test]
fn missed_bytes_are_marked() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    talk.send(&mut gateway, 100);
    talk.sent = talk.sent.wrapping_add(50);
    talk.send(&mut gateway, 100);
    talk.finish(&mut gateway, 0);
    talk.finish_by_remote(&mut gateway, 0);
    check(&gateway.only_record(), (200, 0), (0, 0), true);
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
fn a_fin_before_the_data_that_it_follows() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    let late = talk.by_client(flag::ACK, 70);
    talk.sent = talk.sent.wrapping_add(70);
    talk.finish(&mut gateway, 30);
    talk.finish_by_remote(&mut gateway, 0);
    gateway.inside(late, Sender::Client);
    check(&gateway.only_record(), (100, 0), (0, 0), false);
}

#[test]
fn data_in_the_syn() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    let syn = talk.by_client(flag::SYN, 20);
    gateway.inside(syn, Sender::Client);
    talk.syn_outside(&mut gateway);
    talk.sent = talk.sent.wrapping_add(21);
    talk.syn_ack(&mut gateway);
    talk.send(&mut gateway, 5);
    talk.finish_by_remote(&mut gateway, 0);
    talk.finish(&mut gateway, 0);
    check(&gateway.only_record(), (25, 0), (0, 0), false);
}

#[test]
fn data_in_the_syn_that_was_not_taken_is_sent_again() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    let syn = talk.by_client(flag::SYN, 20);
    gateway.inside(syn, Sender::Client);
    talk.syn_outside(&mut gateway);
    talk.sent = talk.sent.wrapping_add(1);
    talk.syn_ack(&mut gateway);
    talk.send(&mut gateway, 20);
    talk.finish(&mut gateway, 0);
    talk.finish_by_remote(&mut gateway, 0);
    check(&gateway.only_record(), (40, 20), (0, 0), false);
}

#[test]
fn data_and_fin_in_both_syns() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    gateway.inside(talk.by_client(flag::SYN | flag::FIN, 20), Sender::Client);
    talk.syn_outside(&mut gateway);
    talk.sent = talk.sent.wrapping_add(22);
    let answer = talk.by_remote(flag::SYN | flag::ACK | flag::FIN, 30);
    gateway.inside(answer, Sender::Remote);
    talk.received = talk.received.wrapping_add(32);
    talk.ack(&mut gateway);
    check(&gateway.only_record(), (20, 0), (30, 0), false);
}

#[test]
fn two_syn_acks_with_different_numbers() {
    for acknowledged in [9_000, 500_000_000] {
        let mut gateway = Gateway::new();
        let mut talk = talk(5000, 1_000, 0);
        talk.syn(&mut gateway);
        for isn in [9_000, 500_000_000] {
            talk.received = isn;
            talk.syn_ack(&mut gateway);
        }
        talk.received = acknowledged + 1;
        talk.ack(&mut gateway);
        talk.receive(&mut gateway, 77);
        talk.finish_by_remote(&mut gateway, 0);
        talk.finish(&mut gateway, 0);
        check(&gateway.only_record(), (0, 0), (77, 0), false);
    }
}

#[test]
fn keep_alives() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    for garbage in [0, 1] {
        let mut probe = talk.by_client(flag::ACK, garbage);
        probe.seq = probe.seq.wrapping_sub(1);
        gateway.inside(probe, Sender::Client);
        talk.ack_by_remote(&mut gateway);
    }
    talk.finish(&mut gateway, 0);
    talk.finish_by_remote(&mut gateway, 0);
    check(&gateway.only_record(), (1, 1), (0, 0), false);
}

/// Payload and what of it was retransmitted, sent and received; and whether bytes are missing.
fn check(record: &Closed, sent: (u64, u64), received: (u64, u64), partial: bool) {
    assert_eq!(record.end, End::Fin);
    let sums = [&record.totals.sent, &record.totals.received];
    let counted = sums.map(|sums| (sums.payload_bytes, sums.retransmitted_bytes));
    assert_eq!(counted, [sent, received]);
    assert_eq!(record.partial, partial);
}
