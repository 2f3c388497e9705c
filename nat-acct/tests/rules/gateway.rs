//! A gateway without a kernel: segments go through the flow step and the engine, and records come
//! out. Every segment takes a millisecond.

use std::net::IpAddr;

use nat_acct::{
    engine::{Engine, Interim, Timeouts},
    record::{Account, End, Match, Stage},
    source::memory::MemorySource,
};
use nat_acct_common::{
    layout::{Address, Cause, Sender},
    packet::{Segment, Vlan, flag},
};

pub const MILLISECOND: u64 = 1_000_000;
pub const SECOND: u64 = 1_000 * MILLISECOND;
pub const UPDATE_EVERY: u64 = 3_600 * SECOND;
/// The first moment: not 0, which stands for "never".
const MORNING: u64 = 3_600 * SECOND;

pub struct Gateway {
    pub source: MemorySource,
    pub engine: Engine,
    pub now_ns: u64,
    records: Vec<Account>,
    interim: Vec<Account>,
}

impl Gateway {
    pub fn new() -> Self {
        Self::with(Timeouts::default())
    }

    pub fn with(timeouts: Timeouts) -> Self {
        Self::with_room(64, timeouts)
    }

    /// With room for so many connections at a time.
    pub fn with_room(max_connections: u32, timeouts: Timeouts) -> Self {
        let mut engine = Engine::new(timeouts);
        engine.set_interim(Interim {
            starts: true,
            every_ns: Some(UPDATE_EVERY),
        });
        Self {
            source: MemorySource::new(max_connections, timeouts.close_on_first_fin),
            engine,
            now_ns: MORNING,
            records: Vec::new(),
            interim: Vec::new(),
        }
    }

    /// A segment passes the inside interface.
    pub fn inside(&mut self, segment: Segment, sender: Sender) {
        self.inside_in(0, segment, sender);
    }

    /// A segment passes the inside interface with this number.
    pub fn inside_in(&mut self, zone: u32, segment: Segment, sender: Sender) {
        self.now_ns += MILLISECOND;
        self.source.inside(&segment, sender, zone, self.now_ns);
        self.drive();
    }

    /// A segment passes the outside interface.
    pub fn outside(&mut self, segment: Segment, sender: Sender) {
        self.now_ns += MILLISECOND / 10;
        self.source.outside(&segment, sender, 0, self.now_ns);
        self.drive();
    }

    /// Nothing happens for a while, but the engine's deadlines are kept.
    pub fn wait(&mut self, duration_ns: u64) {
        let until_ns = self.now_ns + duration_ns;
        while let Some(due_ns) = self.engine.poll_timeout().filter(|due| *due <= until_ns) {
            self.now_ns = self.now_ns.max(due_ns);
            self.drive();
        }
        self.now_ns = until_ns;
    }

    /// The records of connections that go on that have come out so far.
    pub fn interim(&self) -> &[Account] {
        &self.interim
    }

    /// The records of ends that have come out since the last call.
    pub fn records(&mut self) -> Vec<Account> {
        std::mem::take(&mut self.records)
    }

    /// The one record that has come out, after all lingering.
    pub fn only_record(&mut self) -> Account {
        self.wait(5 * SECOND);
        let records = self.records();
        let [record] = records[..] else {
            panic!("not one record: {records:#?}");
        };
        record
    }

    /// The records of everything, after the agent was stopped.
    pub fn stop(&mut self) -> Vec<Account> {
        self.engine.stop(End::AgentStop);
        self.drive();
        assert_eq!(self.engine.open_connections(), 0);
        self.records()
    }

    /// How many packets were ignored for `cause`.
    pub fn ignored(&self, cause: Cause) -> u64 {
        let all = self.source.ignored();
        all.iter()
            .find(|(each, _)| *each == cause)
            .map_or(0, |(_, total)| total.packets)
    }

    /// What was proved by a SYN on the outside was told before, and told right.
    fn check_start(&self, ended: &Account) {
        let of_this = |told: &&Account| {
            told.stage == Stage::Started
                && told.identity == ended.identity
                && told.client == ended.client
        };
        let started = self.interim.iter().rfind(of_this);
        match (started, ended.matched) {
            (None, Match::Sequence) => panic!("no start of {ended:#?}"),
            (Some(started), Match::Sequence | Match::Hairpin) => {
                assert_eq!(started.translated, ended.translated);
                assert_eq!(started.start_ns, ended.start_ns);
            }
            _ => {}
        }
    }

    fn drive(&mut self) {
        self.source.drive(&mut self.engine, self.now_ns);
        while let Some(account) = self.engine.poll_record() {
            match account.stage {
                Stage::Ended(_) => {
                    self.check_start(&account);
                    self.records.push(account);
                }
                Stage::Started | Stage::Open => self.interim.push(account),
            }
        }
    }
}

/// Two endpoints that speak through the gateway, and what each will send next.
#[derive(Clone, Copy)]
pub struct Talk {
    /// The client's, on the inside.
    pub vlan: Vlan,
    pub client: (IpAddr, u16),
    pub remote: (IpAddr, u16),
    pub translated: (IpAddr, u16),
    /// Next sequence number of the client.
    pub sent: u32,
    /// Next sequence number of the remote.
    pub received: u32,
}

/// A client on the inside that speaks to the remote's port 80, with these ISNs.
pub fn talk(client_port: u16, client_isn: u32, remote_isn: u32) -> Talk {
    Talk {
        vlan: Vlan::NONE,
        client: ([192, 168, 17, 11].into(), client_port),
        remote: ([203, 0, 113, 80].into(), 80),
        translated: ([203, 0, 113, 1].into(), client_port ^ 0x5555),
        sent: client_isn,
        received: remote_isn,
    }
}

impl Talk {
    /// SYN, SYN-ACK, ACK.
    pub fn open(&mut self, gateway: &mut Gateway) {
        self.syn(gateway);
        self.syn_ack(gateway);
        self.ack(gateway);
    }

    pub fn syn(&mut self, gateway: &mut Gateway) {
        self.syn_inside(gateway);
        self.syn_outside(gateway);
        self.sent = self.sent.wrapping_add(1);
    }

    /// A SYN that the gateway drops.
    pub fn syn_inside(&self, gateway: &mut Gateway) {
        gateway.inside(self.by_client(flag::SYN, 0), Sender::Client);
    }

    /// The SYN as it leaves the gateway.
    pub fn syn_outside(&self, gateway: &mut Gateway) {
        let mut segment = self.by_client(flag::SYN, 0);
        (segment.source, segment.source_port) =
            (Address::from(self.translated.0), self.translated.1);
        segment.vlan = Vlan::NONE;
        gateway.outside(segment, Sender::Client);
    }

    pub fn syn_ack(&mut self, gateway: &mut Gateway) {
        gateway.inside(self.by_remote(flag::SYN | flag::ACK, 0), Sender::Remote);
        self.received = self.received.wrapping_add(1);
    }

    pub fn ack(&self, gateway: &mut Gateway) {
        gateway.inside(self.by_client(flag::ACK, 0), Sender::Client);
    }

    pub fn ack_by_remote(&self, gateway: &mut Gateway) {
        gateway.inside(self.by_remote(flag::ACK, 0), Sender::Remote);
    }

    /// The client sends `payload` bytes.
    pub fn send(&mut self, gateway: &mut Gateway, payload: u32) {
        gateway.inside(self.by_client(flag::ACK, payload), Sender::Client);
        self.sent = self.sent.wrapping_add(payload);
    }

    /// The remote sends `payload` bytes.
    pub fn receive(&mut self, gateway: &mut Gateway, payload: u32) {
        gateway.inside(self.by_remote(flag::ACK, payload), Sender::Remote);
        self.received = self.received.wrapping_add(payload);
    }

    /// The client sends its FIN, with `payload` bytes.
    pub fn finish(&mut self, gateway: &mut Gateway, payload: u32) {
        gateway.inside(
            self.by_client(flag::FIN | flag::ACK, payload),
            Sender::Client,
        );
        self.sent = self.sent.wrapping_add(payload + 1);
    }

    /// The remote sends its FIN, with `payload` bytes.
    pub fn finish_by_remote(&mut self, gateway: &mut Gateway, payload: u32) {
        gateway.inside(
            self.by_remote(flag::FIN | flag::ACK, payload),
            Sender::Remote,
        );
        self.received = self.received.wrapping_add(payload + 1);
    }

    pub fn reset(&self, gateway: &mut Gateway) {
        gateway.inside(self.by_client(flag::RST, 0), Sender::Client);
    }

    pub fn reset_by_remote(&self, gateway: &mut Gateway) {
        gateway.inside(self.by_remote(flag::RST | flag::ACK, 0), Sender::Remote);
    }

    /// A segment of the client at its next sequence number.
    pub fn by_client(&self, flags: u8, payload: u32) -> Segment {
        segment(
            self.vlan,
            (self.client, self.remote),
            (self.sent, self.received),
            flags,
            payload,
        )
    }

    /// A segment of the remote at its next sequence number.
    pub fn by_remote(&self, flags: u8, payload: u32) -> Segment {
        segment(
            self.vlan,
            (self.remote, self.client),
            (self.received, self.sent),
            flags,
            payload,
        )
    }
}

type Endpoint = (IpAddr, u16);

fn segment(
    vlan: Vlan,
    (source, destination): (Endpoint, Endpoint),
    (seq, ack): (u32, u32),
    flags: u8,
    payload: u32,
) -> Segment {
    Segment {
        vlan,
        source: source.0.into(),
        destination: destination.0.into(),
        source_port: source.1,
        destination_port: destination.1,
        seq,
        ack: if flags & flag::ACK == 0 { 0 } else { ack },
        flags,
        payload,
        ip_bytes: payload + 40,
        packets: 1,
    }
}
