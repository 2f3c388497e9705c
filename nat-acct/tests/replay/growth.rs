//! The tables of replay grow with the connections at a time, and lose none of them.

use nat_acct::{
    engine::{Engine, Timeouts},
    record::{Account, End},
    source::memory::MemorySource,
};
use nat_acct_common::{
    layout::{Address, Cause, Sender},
    packet::{Segment, Vlan, flag},
};

const CONNECTIONS: u32 = 20_000;
const MORNING_NS: u64 = 3_600_000_000_000;

#[test]
fn all_at_a_time() {
    let mut source = MemorySource::growing(false);
    let mut engine = Engine::new(Timeouts::default());
    let mut now_ns = MORNING_NS;
    for step in [open, answer, acknowledge, send] {
        for number in 0..CONNECTIONS {
            now_ns += 1_000;
            let (segment, sender) = step(number);
            source.inside(&segment, sender, 0, now_ns);
            source.drive(&mut engine, now_ns);
        }
    }
    engine.stop(End::CaptureEnd);
    source.drive(&mut engine, now_ns);
    let records: Vec<Account> = std::iter::from_fn(|| engine.poll_record()).collect();
    assert_eq!(records.len(), CONNECTIONS as usize);
    for (number, record) in (0u32..).zip(&records) {
        let opened_ns = MORNING_NS + (u64::from(number) + 1) * 1_000;
        assert_eq!((record.start_ns, record.partial), (opened_ns, false));
        let last_ns = opened_ns + 3 * u64::from(CONNECTIONS) * 1_000;
        assert_eq!(record.end_ns, last_ns, "exact, not to a tick");
        assert_eq!(record.totals.sent.payload_bytes, u64::from(number % 1_000));
        assert_eq!(
            record.totals.sent.packets + record.totals.received.packets,
            4
        );
    }
    let lost = [Cause::TableFull, Cause::NoPlace, Cause::UnknownConnection];
    for (cause, total) in source.ignored() {
        assert!(!lost.contains(&cause) || total.packets == 0, "{cause:?}");
    }
}

type Sent = (Segment, Sender);

fn open(number: u32) -> Sent {
    (segment(number, flag::SYN, 0, 0), Sender::Client)
}

fn answer(number: u32) -> Sent {
    let mut answer = segment(number, flag::SYN | flag::ACK, 0, 0);
    std::mem::swap(&mut answer.source, &mut answer.destination);
    std::mem::swap(&mut answer.source_port, &mut answer.destination_port);
    answer.ack = 1;
    (answer, Sender::Remote)
}

fn acknowledge(number: u32) -> Sent {
    (segment(number, flag::ACK, 1, 0), Sender::Client)
}

fn send(number: u32) -> Sent {
    (
        segment(number, flag::ACK, 1, number % 1_000),
        Sender::Client,
    )
}

fn segment(number: u32, flags: u8, seq: u32, payload: u32) -> Segment {
    Segment {
        vlan: Vlan::NONE,
        source: Address::from_v4((0x0a00_0000 + number).to_be_bytes()),
        destination: Address::from_v4([198, 51, 100, 80]),
        source_port: 5_000,
        destination_port: 80,
        seq,
        ack: u32::from(flags & flag::ACK != 0),
        flags,
        payload,
        ip_bytes: payload + 40,
        packets: 1,
    }
}
