//! Writes the captures of both sides of a gateway while many connections go on at a time, and adds
//! up what is in them. Only what goes on is kept in memory.

use std::{io, net::SocketAddr};

use super::{
    conversation::{Conversation, End, Segment},
    endpoints::{Endpoints, Opener},
    frame::{self, Side, Way},
    pcap::Pcap,
    random::Random,
    sums::{Account, Sums},
};

/// 2026-11-22, midnight UTC.
const START_US: u64 = 1_795_305_600_000_000;
/// One in so many connections is opened by a remote, through a port that is forwarded.
const INBOUND: u32 = 50;
/// Segments of a connection follow one another at once: one in so many times something else comes
/// between them.
const TRAIN: u32 = 3;

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In both captures together.
    pub packets: u64,
    /// At a time.
    pub connections: u32,
    pub seed: u64,
    /// How much of a packet is captured.
    pub snap_bytes: u32,
}

pub struct Traffic {
    random: Random,
    snap_bytes: u32,
    inside: Pcap,
    outside: Pcap,
    now_us: u64,
    packets: u64,
    opened: u64,
    sums: Sums,
}

struct Connection {
    endpoints: Endpoints,
    conversation: Conversation,
    account: Account,
}

impl Traffic {
    pub fn new(plan: &Plan, inside: Pcap, outside: Pcap) -> Self {
        Self {
            random: Random::new(plan.seed),
            snap_bytes: plan.snap_bytes,
            inside,
            outside,
            now_us: START_US,
            packets: 0,
            opened: 0,
            sums: Sums::default(),
        }
    }

    /// Writes it all. Connections that go on at the end are in the sums as far as they got.
    pub fn generate(mut self, plan: &Plan) -> io::Result<Sums> {
        let mut slots: Vec<Option<Connection>> = Vec::new();
        slots.resize_with(plan.connections as usize, || None);
        while self.packets < plan.packets {
            let slot = &mut slots[self.random.between(0, plan.connections) as usize];
            let mut connection = slot.take().unwrap_or_else(|| self.open());
            if self.go_on(&mut connection)? {
                *slot = Some(connection);
            } else {
                self.sums.add(&connection.account);
            }
        }
        for connection in slots.iter().flatten() {
            self.sums.add(&connection.account);
        }
        self.inside.finish()?;
        self.outside.finish()?;
        Ok(self.sums)
    }

    fn open(&mut self) -> Connection {
        let opener = if self.random.one_in(INBOUND) {
            Opener::Remote
        } else {
            Opener::Client
        };
        let endpoints = Endpoints::new(self.opened, opener);
        self.opened += 1;
        Connection {
            endpoints,
            conversation: Conversation::new(&mut self.random),
            account: account(&endpoints),
        }
    }

    /// Sends a few segments; whether there are more.
    fn go_on(&mut self, connection: &mut Connection) -> io::Result<bool> {
        loop {
            let Some(segment) = connection.conversation.next(&mut self.random) else {
                return Ok(false);
            };
            self.forward(connection, &segment)?;
            if self.random.one_in(TRAIN) && !connection.conversation.is_closing() {
                return Ok(true);
            }
        }
    }

    /// Both sides see it, the far one a little later.
    fn forward(&mut self, connection: &mut Connection, segment: &Segment) -> io::Result<()> {
        let outbound = connection.is_outbound(segment);
        self.now_us += u64::from(self.random.between(4, 12));
        let later_us = self.now_us + u64::from(self.random.between(1, 4));
        let (inside_us, outside_us) = if outbound {
            (self.now_us, later_us)
        } else {
            (later_us, self.now_us)
        };
        let time_ms = (self.now_us / 1_000) as u32;
        let way = |side| connection.endpoints.way(side, outbound);
        let build = |side| frame::build(segment, &way(side), time_ms, self.snap_bytes);
        let (inside, outside) = (build(Side::Inside), build(Side::Outside));
        self.inside.write(inside_us, &inside)?;
        self.outside.write(outside_us, &outside)?;
        connection.count(segment, outbound, inside.ip_bytes);
        self.packets += 2;
        Ok(())
    }
}

impl Connection {
    fn is_outbound(&self, segment: &Segment) -> bool {
        match self.endpoints.opener {
            Opener::Client => segment.from == End::Opener,
            Opener::Remote => segment.from == End::Answerer,
        }
    }

    fn count(&mut self, segment: &Segment, outbound: bool, ip_bytes: u32) {
        let account = &mut self.account;
        let (payload, volume) = if outbound {
            (&mut account.sent, &mut account.volume_sent)
        } else {
            (&mut account.received, &mut account.volume_received)
        };
        *payload += u64::from(segment.payload);
        volume.packets += 1;
        volume.ip_bytes += u64::from(ip_bytes);
    }
}

impl Endpoints {
    fn way(&self, side: Side, outbound: bool) -> Way {
        let near = match side {
            Side::Inside => self.client,
            Side::Outside => self.translated,
        };
        let (from, to) = if outbound {
            (near, self.remote)
        } else {
            (self.remote, near)
        };
        Way {
            side,
            from,
            to,
            outbound,
        }
    }
}

fn account(endpoints: &Endpoints) -> Account {
    Account {
        client: SocketAddr::V4(endpoints.client),
        translated: Some(SocketAddr::V4(endpoints.translated)),
        remote: SocketAddr::V4(endpoints.remote),
        inbound: endpoints.opener == Opener::Remote,
        sent: 0,
        received: 0,
        volume_sent: Default::default(),
        volume_received: Default::default(),
    }
}
