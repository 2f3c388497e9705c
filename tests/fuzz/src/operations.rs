//! The flow step and the engine under any sequence of segments, pauses and stops.

use nat_acct::{
    engine::{Engine, Timeouts},
    record::End,
    source::memory::MemorySource,
};
use nat_acct_common::{
    layout::{Address, Cause, Sender},
    packet::{Segment, Vlan},
};

/// Bytes that make one operation.
const OPERATION: usize = 6;
const SECOND_NS: u64 = 1_000_000_000;

/// Each opening gives one record, and no byte is invented, whatever comes.
pub fn engine(data: &[u8]) {
    let mut gateway = Gateway {
        source: MemorySource::new(8, data.first().is_some_and(|byte| byte & 1 == 1)),
        engine: Engine::new(Timeouts::default()),
        now_ns: SECOND_NS,
        inside_payload: 0,
    };
    for operation in data.chunks_exact(OPERATION) {
        let operation = operation.try_into().expect("a chunk of that size");
        gateway.carry_out(operation);
    }
    gateway.engine.stop(End::AgentStop);
    gateway.source.drive(&mut gateway.engine, gateway.now_ns);
    gateway.check();
}

struct Gateway {
    source: MemorySource,
    engine: Engine,
    now_ns: u64,
    inside_payload: u64,
}

impl Gateway {
    fn carry_out(&mut self, [what, flags, seq, ack, payload, pause]: [u8; OPERATION]) {
        let sender = Sender::from_u8(what & 1);
        let segment = segment(what, flags, number(seq), number(ack), payload, sender);
        self.now_ns += 1 + u64::from(pause).pow(3) * 1_000_000;
        if what & 2 == 0 {
            self.inside_payload += u64::from(segment.payload);
            self.source.inside(&segment, sender, 0, self.now_ns);
        } else {
            self.source.outside(&segment, sender, 0, self.now_ns);
        }
        self.source.drive(&mut self.engine, self.now_ns);
    }

    fn check(mut self) {
        assert_eq!(self.engine.open_connections(), 0);
        let mut records = 0;
        let mut payload = 0;
        while let Some(record) = self.engine.poll_record() {
            records += 1;
            for sums in [record.totals.sent, record.totals.received] {
                payload += sums.payload_bytes;
                assert!(sums.retransmitted_bytes <= sums.payload_bytes);
            }
            assert!(record.start_ns <= record.end_ns);
        }
        let stats = self.engine.stats();
        assert_eq!(records + stats.stray_openings, stats.opened);
        assert!(payload <= self.inside_payload);
        let ignored = self.source.ignored();
        let broken = ignored
            .iter()
            .find(|(cause, _)| *cause == Cause::Inconsistent);
        assert!(broken.is_none_or(|(_, total)| total.packets == 0));
    }
}

/// Few different endpoints and numbers, so that they meet.
fn segment(what: u8, flags: u8, seq: u32, ack: u32, payload: u8, sender: Sender) -> Segment {
    let client = (
        Address::from_v4([10, 0, 0, what >> 2 & 1]),
        1000 + u16::from(what >> 3 & 1),
    );
    let remote = (
        Address::from_v4([192, 0, 2, 1]),
        80 + u16::from(what >> 4 & 1),
    );
    let (source, destination) = match sender {
        Sender::Client => (client, remote),
        Sender::Remote => (remote, client),
    };
    let payload = u32::from(payload & 0x7f) * if payload & 0x80 == 0 { 1 } else { 10_000 };
    Segment {
        vlan: Vlan::NONE,
        source: source.0,
        destination: destination.0,
        source_port: source.1,
        destination_port: destination.1,
        seq,
        ack,
        flags,
        payload,
        ip_bytes: payload + 40,
        packets: 1,
    }
}

/// Numbers near the points where something changes.
fn number(byte: u8) -> u32 {
    const BASES: [u32; 8] = [
        0,
        1_000,
        1 << 20,
        1 << 30,
        1 << 31,
        3 << 30,
        u32::MAX - 16,
        65_536,
    ];
    BASES[usize::from(byte >> 5)].wrapping_add(u32::from(byte & 0x1f))
}
