//! Connections that come and go, as the engine hears of them.

use std::{collections::VecDeque, net::Ipv4Addr};

use nat_acct::{
    engine::{Engine, Event, Request},
    record::Account,
};
use nat_acct_common::{
    flow::Facts,
    layout::{Address, FlowKey, OutsideKey, OutsideSyn, PerSender, Sender, Volume, Zone},
    packet::Vlan,
};

/// So many come and go each time.
pub const CONNECTIONS: u32 = 500_000;

/// How much there is to do.
#[derive(Clone, Copy)]
pub struct Load {
    /// So many are open at a time.
    pub open: usize,
    /// From one opening to the next. That says how many have ended and wait for stragglers.
    pub apart_ns: u64,
}

/// As many a second as are open.
pub const QUIET: Load = Load {
    open: 1_000,
    apart_ns: 1_000_000,
};
/// Half as many a second as are open.
pub const BUSY: Load = Load {
    open: 65_536,
    apart_ns: 30_000,
};

/// Who is told of the connections.
pub trait Listener {
    fn handle_event(&mut self, event: Event, now_ns: u64);
    fn handle_timeout(&mut self, now_ns: u64);
    fn poll_timeout(&self) -> Option<u64>;
    fn poll_request(&mut self) -> Option<Request>;
    fn poll_record(&mut self) -> Option<Account>;
}

impl Listener for Engine {
    fn handle_event(&mut self, event: Event, now_ns: u64) {
        self.handle_event(event, now_ns);
    }

    fn handle_timeout(&mut self, now_ns: u64) {
        self.handle_timeout(now_ns);
    }

    fn poll_timeout(&self) -> Option<u64> {
        self.poll_timeout()
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.poll_request()
    }

    fn poll_record(&mut self) -> Option<Account> {
        self.poll_record()
    }
}

pub struct Gateway<L> {
    listener: L,
    load: Load,
    /// By slot.
    facts: Vec<Facts>,
    open: VecDeque<u32>,
    free: Vec<u32>,
    count: u32,
    now_ns: u64,
    account: Option<Account>,
    told: u64,
}

impl<L: Listener> Gateway<L> {
    /// With as many connections as it ever has.
    pub fn under(load: Load, listener: L) -> Self {
        let mut new = Self {
            listener,
            load,
            facts: Vec::new(),
            open: VecDeque::new(),
            free: Vec::new(),
            count: 0,
            now_ns: 1_000_000_000,
            account: None,
            told: 0,
        };
        for _ in 0..2 {
            new.go_on();
        }
        new
    }

    /// The account of the connection that has ended last.
    pub fn account(&self) -> Option<Account> {
        self.account
    }

    /// How many events there were.
    pub fn told(&self) -> u64 {
        self.told
    }

    pub fn go_on(&mut self) {
        for _ in 0..CONNECTIONS {
            self.now_ns += self.load.apart_ns;
            self.open();
            if self.open.len() > self.load.open {
                self.finish();
            }
            if self
                .listener
                .poll_timeout()
                .is_some_and(|due_ns| due_ns <= self.now_ns)
            {
                self.listener.handle_timeout(self.now_ns);
            }
            self.pump();
        }
    }

    /// A SYN on the inside, the same on the outside, and the answer.
    fn open(&mut self) {
        let slot = self.free.pop().unwrap_or(self.facts.len() as u32);
        let facts = opening(slot, self.count, self.now_ns);
        match self.facts.get_mut(slot as usize) {
            Some(old) => *old = facts,
            None => self.facts.push(facts),
        }
        self.open.push_back(slot);
        self.see(slot);
        let (key, seen) = outside(&facts, self.count, self.now_ns);
        self.tell(Event::OutsideSyn(key, seen));
        self.facts[slot as usize].isn.0[Sender::Remote as usize] = Some(self.count ^ 1);
        self.facts[slot as usize].established = true;
        self.see(slot);
        self.count = self.count.wrapping_add(1);
    }

    /// A FIN of each side.
    fn finish(&mut self) {
        let slot = self.open.pop_front().expect("one is open");
        for sender in [Sender::Client, Sender::Remote] {
            let facts = &mut self.facts[slot as usize];
            facts.fin_ns.0[sender as usize] = Some(self.now_ns);
            facts.last_seen_ns = self.now_ns;
            self.see(slot);
        }
    }

    fn see(&mut self, slot: u32) {
        self.tell(Event::Seen(self.facts[slot as usize]));
    }

    fn tell(&mut self, event: Event) {
        self.told += 1;
        self.listener.handle_event(event, self.now_ns);
    }

    /// Does what the engine asks for.
    fn pump(&mut self) {
        while let Some(request) = self.listener.poll_request() {
            match request {
                Request::Look(slot) => self.see(slot),
                Request::Retire(slot) => {
                    let facts = self.facts[slot as usize];
                    self.tell(Event::Harvested(facts, volumes()));
                }
                Request::ForgetOutside(_) | Request::ForgetReset(_) | Request::NoteSharedIsn(_) => {
                }
            }
        }
        while let Some(account) = self.listener.poll_record() {
            self.account = Some(account);
            self.tell(Event::Released(account.slot));
            self.free.push(account.slot);
        }
    }
}

fn opening(slot: u32, number: u32, now_ns: u64) -> Facts {
    let client = Ipv4Addr::from(0x0a00_0000 + number % 1_000);
    Facts {
        slot,
        opened_ns: now_ns,
        last_syn_ns: now_ns,
        key: FlowKey {
            client: Address::from_v4(client.octets()),
            remote: Address::from_v4([198, 51, 100, 80]),
            client_port: port(number),
            remote_port: 443,
            zone: Zone::new(0, Vlan::NONE),
        },
        opener: Sender::Client,
        isn: PerSender([Some(isn(number)), None]),
        stream_bytes: PerSender([Some(480), Some(2_060)]),
        fin_ns: PerSender::default(),
        fin_fits: PerSender([true; 2]),
        rst_ns: None,
        rst_refuted: false,
        established: false,
        answer_missed: false,
        superseded: false,
        challenged: false,
        isn_is_shared: false,
        last_seen_ns: now_ns,
    }
}

fn outside(facts: &Facts, number: u32, now_ns: u64) -> (OutsideKey, OutsideSyn) {
    let key = OutsideKey {
        remote: facts.key.remote,
        translated: Address::from_v4([203, 0, 113, 1]),
        remote_port: facts.key.remote_port,
        translated_port: port(number),
        isn: isn(number),
        opener: Sender::Client as u8,
        ..OutsideKey::default()
    };
    (key, OutsideSyn::at(now_ns))
}

fn port(number: u32) -> u16 {
    1_024 + (number % 60_000) as u16
}

/// All differ, and look as if drawn at random (the multiplier is odd).
fn isn(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1)
}

fn volumes() -> PerSender<Volume> {
    let volume = |payload_bytes, packets| Volume {
        payload_bytes,
        ip_bytes: payload_bytes + 52 * packets,
        packets,
    };
    PerSender([volume(480, 13), volume(2_060, 15)])
}
