//! Records of connections that go on. That each start is told, and told right, the gateway checks in
//! all tests.

use nat_acct::{
    engine::{Interim, Timeouts},
    record::{Account, Match, Stage},
};
use nat_acct_common::{layout::Sender, packet::flag};

use crate::gateway::{Gateway, SECOND, Talk, UPDATE_EVERY, talk};

#[test]
fn a_start_is_told_when_the_syn_has_left() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.syn_inside(&mut gateway);
    assert_eq!(gateway.interim(), []);
    talk.syn_outside(&mut gateway);
    let [start] = gateway.interim()[..] else {
        panic!("not one record");
    };
    assert_eq!(
        (start.stage, start.matched),
        (Stage::Started, Match::Sequence)
    );
    assert_eq!(port(&start), Some(talk.translated.1));
    talk.sent += 1;
    talk.syn_ack(&mut gateway);
    talk.ack(&mut gateway);
    talk.syn_outside(&mut gateway);
    talk.reset(&mut gateway);
    assert_eq!(gateway.only_record().identity, start.identity);
    assert_eq!(gateway.interim().len(), 1, "told twice");
}

#[test]
fn without_a_translated_address_there_is_no_start() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.syn_inside(&mut gateway);
    talk.sent += 1;
    talk.syn_ack(&mut gateway);
    talk.ack(&mut gateway);
    gateway.wait(UPDATE_EVERY - SECOND);
    assert_eq!(gateway.interim(), []);
    assert_eq!(gateway.stop()[0].matched, Match::Intercepted);
}

#[test]
fn a_syn_that_is_translated_anew_has_another_start() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.syn_inside(&mut gateway);
    talk.syn_outside(&mut gateway);
    let first = talk.translated.1;
    talk.translated.1 = 40_000;
    talk.syn_inside(&mut gateway);
    talk.syn_outside(&mut gateway);
    assert_eq!(ports(&gateway), [first, 40_000]);
    let [one, other] = gateway.interim() else {
        panic!("not two records");
    };
    assert_eq!(one.identity, other.identity);
}

#[test]
fn an_update_tells_what_was_counted_so_far() {
    let mut gateway = Gateway::new();
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    for hour in 1..=3 {
        talk.send(&mut gateway, 100);
        let again = talk.by_remote(flag::ACK, 7);
        talk.receive(&mut gateway, 7);
        gateway.inside(again, Sender::Remote);
        gateway.wait(UPDATE_EVERY);
        let updates = updates(&gateway);
        assert_eq!(updates.len(), hour);
        let totals = updates[hour - 1].totals;
        assert_eq!(totals.sent.payload_bytes, 100 * hour as u64);
        assert_eq!(totals.received.payload_bytes, 14 * hour as u64);
        assert_eq!(totals.received.retransmitted_bytes, 7 * hour as u64);
        assert!(!updates[hour - 1].partial);
    }
    let [closed] = gateway.stop()[..] else {
        panic!("not one record");
    };
    for told in gateway.interim() {
        assert_eq!(told.identity, closed.identity);
        assert_eq!(told.translated, closed.translated);
    }
    assert_eq!(closed.totals, updates(&gateway)[2].totals);
}

#[test]
fn an_update_is_due_at_whole_periods_after_the_opening() {
    let mut gateway = Gateway::new();
    talk(5000, 1_000, 9_000).open(&mut gateway);
    gateway.wait(UPDATE_EVERY - SECOND);
    assert_eq!(updates(&gateway), []);
    gateway.wait(SECOND);
    assert_eq!(updates(&gateway).len(), 1);
    gateway.wait(UPDATE_EVERY - SECOND);
    assert_eq!(updates(&gateway).len(), 1);
    gateway.wait(SECOND);
    assert_eq!(updates(&gateway).len(), 2);
}

/// An agent that adopts a connection does not know what was told of it.
#[test]
fn of_what_is_found_late_all_is_told_at_once() {
    let mut gateway = Gateway::new();
    let wanted = Interim {
        starts: true,
        every_ns: Some(UPDATE_EVERY),
    };
    gateway.engine.set_interim(Interim::default());
    let mut talk = talk(5000, 1_000, 9_000);
    talk.open(&mut gateway);
    gateway.wait(UPDATE_EVERY + SECOND);
    assert_eq!(gateway.interim(), []);
    gateway.engine.set_interim(wanted);
    // An event has the engine look at it.
    talk.finish(&mut gateway, 0);
    assert_eq!(ports(&gateway), [talk.translated.1]);
    assert_eq!(updates(&gateway).len(), 1);
}

#[test]
fn twins_without_proof_have_no_start() {
    let mut gateway = Gateway::new();
    let first = talk(5000, 1_000, 9_000);
    let second = Talk {
        client: ([192, 168, 17, 12].into(), 5000),
        translated: ([203, 0, 113, 1].into(), 40_000),
        ..first
    };
    first.syn_inside(&mut gateway);
    second.syn_inside(&mut gateway);
    second.syn_outside(&mut gateway);
    first.syn_outside(&mut gateway);
    gateway.wait(60 * SECOND);
    assert_eq!(gateway.interim(), []);
}

#[test]
fn whose_connection_is_over_at_once_was_told_too() {
    let mut gateway = Gateway::with(Timeouts {
        linger_ns: 0,
        ..Timeouts::default()
    });
    let mut talk = talk(5000, 1_000, 9_000);
    talk.syn(&mut gateway);
    talk.reset_by_remote(&mut gateway);
    gateway.only_record();
    assert_eq!(gateway.interim().len(), 1);
}

fn updates(gateway: &Gateway) -> Vec<Account> {
    let told = gateway.interim().iter();
    let updates = told.filter(|told| told.stage == Stage::Open);
    updates.copied().collect()
}

/// The translated ports of the starts.
fn ports(gateway: &Gateway) -> Vec<u16> {
    let told = gateway.interim().iter();
    let starts = told.filter(|told| told.stage == Stage::Started);
    starts.filter_map(port).collect()
}

fn port(account: &Account) -> Option<u16> {
    account
        .translated
        .map(|translated| translated.endpoint.port)
}
