//! Networks on the inside that use the same addresses.

use nat_acct_common::packet::Vlan;

use crate::gateway::{Gateway, Talk, talk};

#[test]
fn the_same_4_tuple_in_two_vlans() {
    let mut gateway = Gateway::new();
    let vlans = [Vlan::NONE.tagged(10), Vlan::NONE.tagged(100).tagged(10)];
    let mut talks: Vec<_> = (0..)
        .zip(vlans)
        .map(|(number, vlan)| Talk {
            vlan,
            translated: ([203, 0, 113, 1].into(), 40_000 + number),
            ..talk(5000, 1_000 * u32::from(number), 9_000)
        })
        .collect();
    for talk in &mut talks {
        talk.open(&mut gateway);
    }
    for (payload, talk) in (1..).zip(&mut talks) {
        talk.send(&mut gateway, payload);
        talk.finish(&mut gateway, 0);
        talk.finish_by_remote(&mut gateway, 0);
    }
    let mut found: Vec<_> = gateway
        .stop()
        .iter()
        .map(|record| {
            let translated = record.translated.expect("it was matched");
            let sent = record.totals.sent.payload_bytes;
            (record.vlans, translated.endpoint.port, sent)
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, [([0, 10], 40_000, 1), ([100, 10], 40_001, 2)]);
}
