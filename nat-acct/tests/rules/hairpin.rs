//! Connections between two clients, which leave by the inside: each half has its record, and they
//! know each other only if the packets prove it.

mod random;

use std::{collections::BTreeSet, net::IpAddr};

use nat_acct::{
    engine::Timeouts,
    record::{Account, Direction, End, Endpoint, Interface, Match},
};
use nat_acct_common::{layout::Sender, packet::flag};

use crate::gateway::{Gateway, SECOND, Talk, talk};

/// Both halves of a connection between two clients.
#[derive(Clone, Copy)]
struct Hairpin {
    /// The opener's half: its remote is the public address that it calls.
    caller: Talk,
    /// The half of the side that is called: its remote is the translated opener.
    called: Talk,
    zones: [u32; 2],
}

#[test]
fn each_half_names_the_other() {
    let mut gateway = gateway();
    let hairpin = translated(5000, 1_000, 9_000);
    hairpin.converse(&mut gateway);
    let records = end(&mut gateway);
    check(&records, &hairpin, Match::Hairpin);
    for record in &records {
        assert_eq!(record.end(), Some(End::Fin));
        assert_eq!(
            record.translated.expect("a mapping").interface,
            Interface::Inside(0)
        );
    }
    // The same bytes, seen from both ends.
    let [caller, called] = halves(&records);
    assert_eq!(caller.totals.sent.payload_bytes, 100);
    assert_eq!(caller.totals.received.payload_bytes, 7_000);
    assert_eq!(called.totals.sent, caller.totals.received);
    assert_eq!(called.totals.received, caller.totals.sent);
    assert!(called.repeats_another() && !caller.repeats_another());
    // They have passed once.
    assert_eq!(gateway.engine.stats().totals, caller.totals);
}

#[test]
fn the_halves_may_be_seen_in_any_order_of_closing() {
    let timeouts = Timeouts {
        idle_ns: 60 * SECOND,
        ..Timeouts::default()
    };
    for last_by_called in [false, true] {
        let mut gateway = Gateway::with(timeouts);
        gateway.engine.set_local_addresses(local());
        let mut hairpin = translated(5000, 1_000, 9_000);
        hairpin.open(&mut gateway);
        if last_by_called {
            hairpin.called.receive(&mut gateway, 0);
        } else {
            hairpin.caller.receive(&mut gateway, 0);
        }
        gateway.wait(120 * SECOND);
        let records = gateway.records();
        check(&records, &hairpin, Match::Hairpin);
    }
}

#[test]
fn those_that_are_open_at_the_end_are_proved_too() {
    let mut gateway = gateway();
    let mut hairpin = translated(5000, 1_000, 9_000);
    hairpin.open(&mut gateway);
    check(&gateway.stop(), &hairpin, Match::Hairpin);
}

#[test]
fn both_halves_are_told_soon_after_the_handshake() {
    for mut hairpin in [translated(5000, 1_000, 9_000), routed()] {
        let mut gateway = gateway();
        hairpin.open(&mut gateway);
        gateway.wait(SECOND);
        check(gateway.interim(), &hairpin, Match::Hairpin);
    }
}

#[test]
fn between_two_inside_interfaces_without_translation() {
    let mut gateway = gateway();
    let mut hairpin = routed();
    hairpin.open(&mut gateway);
    let records = gateway.stop();
    check(&records, &hairpin, Match::Hairpin);
    let [caller, called] = halves(&records).map(|half| half.translated.expect("a mapping"));
    assert_eq!(caller.interface, Interface::Inside(1));
    assert_eq!(called.interface, Interface::Inside(0));
    // Nothing was translated: each is seen under its own address.
    assert_eq!(caller.endpoint, halves(&records)[0].client);
    assert_eq!(called.endpoint, halves(&records)[1].client);
}

#[test]
fn an_opening_without_answer_is_proved_by_the_openers_own_address() {
    let mut gateway = gateway();
    let hairpin = routed();
    hairpin.syn(&mut gateway);
    check(&gateway.stop(), &hairpin, Match::Hairpin);
}

#[test]
fn an_opening_without_answer_and_with_another_address_is_not_proved() {
    let mut gateway = gateway();
    let hairpin = translated(5000, 1_000, 9_000);
    hairpin.syn(&mut gateway);
    check(&gateway.stop(), &hairpin, Match::Ambiguous);
}

#[test]
fn a_proxy_on_the_gateway_is_no_hairpin_also_with_an_equal_isn() {
    let mut gateway = gateway();
    let mut proxied = translated(5000, 1_000, 9_000);
    // The gateway's answer to the one, and the server's to the gateway, have numbers of their own.
    proxied.caller.received = 77_000;
    proxied.open(&mut gateway);
    check(&gateway.stop(), &proxied, Match::Local);
}

#[test]
fn who_opens_after_the_other_half_is_not_meant() {
    let mut gateway = gateway();
    let mut hairpin = translated(5000, 1_000, 9_000);
    gateway.inside(hairpin.called.by_remote(flag::SYN, 0), Sender::Remote);
    gateway.inside(hairpin.caller.by_client(flag::SYN, 0), Sender::Client);
    hairpin.shake_hands(&mut gateway);
    check(&gateway.stop(), &hairpin, Match::Local);
}

#[test]
fn two_with_equal_numbers_are_ambiguous_also_after_one_is_gone() {
    let mut gateway = gateway();
    let mut first = translated(5000, 1_000, 9_000);
    let mut second = translated(6000, 1_000, 9_000);
    first.syn(&mut gateway);
    second.syn(&mut gateway);
    first.shake_hands(&mut gateway);
    second.shake_hands(&mut gateway);
    first.close(&mut gateway);
    let gone = end(&mut gateway);
    check(&gone, &first, Match::Ambiguous);
    check(&gateway.stop(), &second, Match::Ambiguous);
}

#[test]
fn in_a_flood_of_equal_openings_nobody_is_named() {
    let mut gateway = gateway();
    let flood: Vec<_> = (0..200)
        .map(|n| translated(5000 + n, 1_000, 9_000))
        .collect();
    for hairpin in &flood {
        hairpin.syn(&mut gateway);
    }
    let mut last = flood[199];
    last.shake_hands(&mut gateway);
    last.close(&mut gateway);
    check(&end(&mut gateway), &last, Match::Ambiguous);
    assert!(
        gateway
            .stop()
            .iter()
            .all(|record| record.translated.is_none())
    );
}

#[test]
fn what_left_by_the_outside_is_no_half() {
    let mut gateway = gateway();
    let mut outward = talk(5000, 1_000, 9_000);
    outward.open(&mut gateway);
    // The gateway's own connection to a client happens to have both numbers.
    let mut own = translated(5000, 1_000, 9_000);
    gateway.inside(own.called.by_remote(flag::SYN, 0), Sender::Remote);
    own.called.received += 1;
    gateway.inside(
        own.called.by_client(flag::SYN | flag::ACK, 0),
        Sender::Client,
    );
    let records = gateway.stop();
    let matched: Vec<_> = records.iter().map(|record| record.matched).collect();
    assert_eq!(matched, [Match::Sequence, Match::Local]);
}

#[test]
fn a_half_that_also_left_by_the_outside_makes_both_ambiguous() {
    let mut gateway = gateway();
    let mut hairpin = translated(5000, 1_000, 9_000);
    hairpin.open(&mut gateway);
    // Opened in between, so it is no longer known whose half the caller's is.
    let mut another = translated(6000, 1_000, 8_000);
    another.called.client.1 = 23;
    gateway.inside(another.called.by_remote(flag::SYN, 0), Sender::Remote);
    hairpin.caller.sent -= 1;
    hairpin.caller.syn_outside(&mut gateway);
    let records = gateway.stop();
    let matched: Vec<_> = records.iter().map(|record| record.matched).collect();
    assert_eq!(matched, [Match::Ambiguous; 3]);
}

/// Through a port forward of the public address, and with the gateway's inside address as source.
fn translated(caller_port: u16, caller_isn: u32, called_isn: u32) -> Hairpin {
    let mut caller = talk(caller_port, caller_isn, called_isn);
    caller.remote = (PUBLIC.into(), 8022);
    let mut called = talk(22, called_isn, caller_isn);
    called.client.0 = [192, 168, 17, 12].into();
    called.remote = (GATEWAY.into(), caller_port + 30_000);
    Hairpin {
        caller,
        called,
        zones: [0, 0],
    }
}

/// From one inside interface to another, with nothing translated.
fn routed() -> Hairpin {
    let mut hairpin = translated(5000, 1_000, 9_000);
    hairpin.called.client.0 = [192, 168, 18, 12].into();
    hairpin.called.remote = hairpin.caller.client;
    hairpin.caller.remote = hairpin.called.client;
    hairpin.zones = [0, 1];
    hairpin
}

impl Hairpin {
    fn open(&mut self, gateway: &mut Gateway) {
        self.syn(gateway);
        self.shake_hands(gateway);
    }

    fn syn(&self, gateway: &mut Gateway) {
        let [from, to] = self.zones;
        gateway.inside_in(from, self.caller.by_client(flag::SYN, 0), Sender::Client);
        gateway.inside_in(to, self.called.by_remote(flag::SYN, 0), Sender::Remote);
    }

    /// All after the SYN.
    fn shake_hands(&mut self, gateway: &mut Gateway) {
        let [from, to] = self.zones;
        let answer = flag::SYN | flag::ACK;
        self.caller.sent += 1;
        self.called.received += 1;
        gateway.inside_in(to, self.called.by_client(answer, 0), Sender::Client);
        gateway.inside_in(from, self.caller.by_remote(answer, 0), Sender::Remote);
        self.caller.received += 1;
        self.called.sent += 1;
        gateway.inside_in(from, self.caller.by_client(flag::ACK, 0), Sender::Client);
        gateway.inside_in(to, self.called.by_remote(flag::ACK, 0), Sender::Remote);
    }

    /// From the SYN to both FINs, with data.
    fn converse(mut self, gateway: &mut Gateway) {
        self.open(gateway);
        self.caller.send(gateway, 100);
        self.called.receive(gateway, 100);
        self.called.send(gateway, 7_000);
        self.caller.receive(gateway, 7_000);
        self.close(gateway);
    }

    fn close(&mut self, gateway: &mut Gateway) {
        self.caller.finish(gateway, 0);
        self.called.finish_by_remote(gateway, 0);
        self.called.finish(gateway, 0);
        self.caller.finish_by_remote(gateway, 0);
    }
}

const PUBLIC: [u8; 4] = [203, 0, 113, 1];
const GATEWAY: [u8; 4] = [192, 168, 17, 1];

fn local() -> BTreeSet<IpAddr> {
    BTreeSet::from([PUBLIC.into(), GATEWAY.into()])
}

fn gateway() -> Gateway {
    let mut gateway = Gateway::with_room(500, Timeouts::default());
    gateway.engine.set_local_addresses(local());
    gateway
}

fn end(gateway: &mut Gateway) -> Vec<Account> {
    gateway.wait(5 * SECOND);
    gateway.records()
}

/// The record of the caller's half, and that of the other one.
fn halves(records: &[Account]) -> [Account; 2] {
    let [mut one, mut other] = records[..] else {
        panic!("not two records: {records:#?}");
    };
    if one.direction == Direction::Inbound {
        (one, other) = (other, one);
    }
    [one, other]
}

/// Both halves are there with their own ends, and the mapping is that of the other half or absent.
fn check(records: &[Account], expected: &Hairpin, matched: Match) {
    let [caller, called] = halves(records);
    assert_eq!(
        (caller.direction, called.direction),
        (Direction::Outbound, Direction::Inbound)
    );
    for (record, own, other) in [
        (caller, expected.caller, expected.called),
        (called, expected.called, expected.caller),
    ] {
        assert_eq!(record.client, endpoint(own.client));
        assert_eq!(record.remote, endpoint(own.remote));
        assert_eq!(record.matched, matched, "{record:#?}");
        let mapping = record.translated.map(|translated| translated.endpoint);
        let expected = (matched == Match::Hairpin).then(|| endpoint(other.remote));
        assert_eq!(mapping, expected, "{record:#?}");
    }
}

fn endpoint((ip, port): (IpAddr, u16)) -> Endpoint {
    Endpoint { ip, port }
}
