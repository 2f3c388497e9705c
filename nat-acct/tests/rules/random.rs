//! Random traffic: whatever comes, each opening gives one record, and no byte is invented.

use nat_acct_common::{
    layout::{Cause, Sender},
    packet::Segment,
};
use proptest::prelude::*;

use crate::gateway::{Gateway, Talk, talk};

proptest! {
    #[test]
    fn every_opening_gives_one_record(segments in prop::collection::vec(segment(), 1..400)) {
        let mut gateway = Gateway::new();
        let mut payload = 0;
        for (segment, sender, on_the_inside) in segments {
            if on_the_inside {
                payload += u64::from(segment.payload);
                gateway.inside(segment, sender);
            } else {
                gateway.outside(segment, sender);
            }
        }
        let mut records = gateway.records();
        records.extend(gateway.stop());
        let stats = gateway.engine.stats();
        prop_assert_eq!(records.len() as u64 + stats.stray_openings, stats.opened);
        let counted: u64 = records
            .iter()
            .map(|r| r.totals.sent.payload_bytes + r.totals.received.payload_bytes)
            .sum();
        prop_assert!(counted <= payload);
        prop_assert_eq!(gateway.ignored(Cause::Inconsistent), 0);
    }

    #[test]
    fn a_stream_is_counted_whatever_the_order_and_however_often(
        order in Just((0..40u32).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(0..40u32, 0..20),
        client_isn: u32,
        remote_isn: u32,
    ) {
        let mut gateway = Gateway::new();
        let mut talk = talk(5000, client_isn, remote_isn);
        talk.open(&mut gateway);
        let start = talk;
        for number in order.into_iter().chain(again.iter().copied()) {
            gateway.inside(piece(&start, number), Sender::Client);
        }
        talk.sent = talk.sent.wrapping_add(40 * PIECE);
        talk.finish(&mut gateway, 0);
        talk.finish_by_remote(&mut gateway, 0);
        let record = gateway.only_record();
        let again = u64::from(PIECE) * again.len() as u64;
        prop_assert_eq!(record.totals.sent.payload_bytes, u64::from(40 * PIECE) + again);
        prop_assert_eq!(record.totals.sent.retransmitted_bytes, again);
        prop_assert!(!record.partial);
    }
}

const PIECE: u32 = 1_448;

fn piece(start: &Talk, number: u32) -> Segment {
    let mut segment = start.by_client(0x10, PIECE);
    segment.seq = segment.seq.wrapping_add(number * PIECE);
    segment
}

/// A segment between few endpoints with few numbers, so that they meet.
fn segment() -> impl Strategy<Value = (Segment, Sender, bool)> {
    let numbers = prop::sample::select(vec![0, 1, 2, 1_000, 1_001, 3_000_000_000, u32::MAX]);
    let flags = prop::sample::select(vec![0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x18]);
    let payload = prop::sample::select(vec![0, 1, 1_000]);
    (
        5000..5003u16,
        numbers.clone(),
        numbers,
        flags,
        payload,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(port, seq, ack, flags, payload, by_client, on_the_inside)| {
                let talk = talk(port, seq, ack);
                if by_client {
                    (
                        talk.by_client(flags, payload),
                        Sender::Client,
                        on_the_inside,
                    )
                } else {
                    let talk = Talk {
                        received: seq,
                        sent: ack,
                        ..talk
                    };
                    (
                        talk.by_remote(flags, payload),
                        Sender::Remote,
                        on_the_inside,
                    )
                }
            },
        )
}
