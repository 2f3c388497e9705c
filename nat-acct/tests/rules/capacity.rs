//! Many connections at a time: sets of the flow table that overflow, and no room left.

use std::collections::BTreeMap;

use nat_acct::{
    engine::Timeouts,
    record::{Account, End},
};
use nat_acct_common::layout::Cause;

use crate::gateway::{Gateway, SECOND, talk};

#[test]
fn a_full_set_goes_to_the_overflow_map() {
    let mut gateway = Gateway::with_room(2_048, Timeouts::default());
    let ports = 1_000..2_600u16;
    let mut talks: Vec<_> = ports.map(|port| talk(port, 1_000, 9_000)).collect();
    for talk in &mut talks {
        talk.open(&mut gateway);
        talk.send(&mut gateway, u32::from(talk.client.1));
    }
    assert!(
        gateway.ignored(Cause::Overflowed) > 0,
        "too few to overflow"
    );
    assert_eq!(gateway.ignored(Cause::TableFull), 0);
    // Every second port is used again, answered, and reset.
    for old in talks.iter().step_by(2) {
        let mut new = talk(old.client.1, 2_000_000_000, 3_000_000_000);
        new.open(&mut gateway);
        new.receive(&mut gateway, 7);
        new.reset(&mut gateway);
    }
    gateway.wait(5 * SECOND);
    let (reset, reused): (Vec<_>, Vec<_>) = gateway
        .records()
        .into_iter()
        .partition(|record| record.end() == Some(End::Rst));
    assert_eq!(payload_by_port(&reset), sums(1_000, 2, |_| (0, 7)));
    assert_eq!(
        payload_by_port(&reused),
        sums(1_000, 2, |port| (port.into(), 0))
    );
    let rest = gateway.stop();
    assert_eq!(
        payload_by_port(&rest),
        sums(1_001, 2, |port| (port.into(), 0))
    );
}

#[test]
fn what_does_not_fit_is_counted() {
    let mut gateway = Gateway::with_room(10, Timeouts::default());
    for port in 1_000..1_030 {
        let mut talk = talk(port, 1_000, 9_000);
        talk.open(&mut gateway);
        talk.send(&mut gateway, port.into());
    }
    assert_eq!(gateway.ignored(Cause::TableFull), 20);
    let records = gateway.stop();
    assert_eq!(records.len(), 10);
    let of_first = sums(1_000, 1, |port| (port.into(), 0));
    let of_first = of_first.into_iter().take(10).collect();
    assert_eq!(payload_by_port(&records), of_first);
}

fn payload_by_port(records: &[Account]) -> BTreeMap<u16, (u64, u64)> {
    let entry = |record: &Account| {
        let totals = &record.totals;
        let payload = (totals.sent.payload_bytes, totals.received.payload_bytes);
        (record.client.port, payload)
    };
    records.iter().map(entry).collect()
}

fn sums(first: u16, step: usize, payload: impl Fn(u16) -> (u64, u64)) -> BTreeMap<u16, (u64, u64)> {
    let ports = (first..2_600).step_by(step);
    ports.map(|port| (port, payload(port))).collect()
}
