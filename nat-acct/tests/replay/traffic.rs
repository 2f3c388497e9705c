//! Conversations through a gateway, as IP packets on both sides.

use std::net::Ipv4Addr;

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// 2026-11-22T09:42:00Z.
pub const MORNING_NS: u64 = 1_795_340_520_000_000_000;
const MICROSECOND: u64 = 1_000;
/// What the gateway takes to forward a packet.
const FORWARDING_NS: u64 = 40 * MICROSECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Inside,
    Outside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Client,
    Remote,
}

/// A packet as a side sees it.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub time_ns: u64,
    pub side: Side,
    pub from: From,
    /// The IP packet.
    pub packet: Vec<u8>,
}

type Endpoint = (Ipv4Addr, u16);

/// Two endpoints, and what each will send next.
#[derive(Clone, Debug)]
pub struct Talk {
    pub client: Endpoint,
    pub translated: Endpoint,
    pub remote: Endpoint,
    pub sent: u32,
    pub received: u32,
    pub time_ns: u64,
    pub sightings: Vec<Sighting>,
}

/// A client on the inside that speaks to a web server.
pub fn talk(client_port: u16) -> Talk {
    Talk {
        client: (Ipv4Addr::new(192, 168, 17, 11), client_port),
        translated: (Ipv4Addr::new(203, 0, 113, 1), client_port ^ 0x5555),
        remote: (Ipv4Addr::new(198, 51, 100, 80), 80),
        sent: 1_000 * u32::from(client_port),
        received: 3_000_000_000,
        time_ns: MORNING_NS,
        sightings: Vec::new(),
    }
}

/// A whole conversation of 300 bytes and 5,000 bytes, a hundred milliseconds long.
pub fn whole(client_port: u16) -> Talk {
    let mut talk = talk(client_port);
    talk.open();
    talk.say(From::Client, ACK, 300);
    for _ in 0..5 {
        talk.say(From::Remote, ACK, 1_000);
    }
    talk.close();
    talk
}

impl Talk {
    pub fn open(&mut self) {
        self.say(From::Client, SYN, 0);
        self.say(From::Remote, SYN | ACK, 0);
        self.say(From::Client, ACK, 0);
    }

    pub fn close(&mut self) {
        self.say(From::Client, FIN | ACK, 0);
        self.say(From::Remote, FIN | ACK, 0);
        self.say(From::Client, ACK, 0);
    }

    /// A segment at the next sequence number, seen on both sides.
    pub fn say(&mut self, from: From, flags: u8, payload: u16) {
        let next = match from {
            From::Client => &mut self.sent,
            From::Remote => &mut self.received,
        };
        let seq = *next;
        let control = u32::from(flags & (SYN | FIN) != 0);
        *next = seq.wrapping_add(u32::from(payload) + control);
        self.forward(from, flags, seq, payload);
    }

    /// A segment that was sent before: it ends at the next sequence number.
    pub fn say_again(&mut self, from: From, payload: u16) {
        let next = match from {
            From::Client => self.sent,
            From::Remote => self.received,
        };
        self.forward(from, ACK, next.wrapping_sub(u32::from(payload)), payload);
    }

    fn forward(&mut self, from: From, flags: u8, seq: u32, payload: u16) {
        self.time_ns += 10_000 * MICROSECOND;
        let order = match from {
            From::Client => [Side::Inside, Side::Outside],
            From::Remote => [Side::Outside, Side::Inside],
        };
        for (side, later_ns) in order.into_iter().zip([0, FORWARDING_NS]) {
            let packet = self.packet(side, from, flags, seq, payload);
            self.sightings.push(Sighting {
                time_ns: self.time_ns + later_ns,
                side,
                from,
                packet,
            });
        }
    }

    fn packet(&self, side: Side, from: From, flags: u8, seq: u32, payload: u16) -> Vec<u8> {
        let near = match side {
            Side::Inside => self.client,
            Side::Outside => self.translated,
        };
        let (source, destination, ack) = match from {
            From::Client => (near, self.remote, self.received),
            From::Remote => (self.remote, near, self.sent),
        };
        let ack = if flags & ACK == 0 { 0 } else { ack };
        let mut packet = vec![0x45, 0];
        packet.extend((40 + payload).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        packet.extend(source.0.octets());
        packet.extend(destination.0.octets());
        packet.extend(source.1.to_be_bytes());
        packet.extend(destination.1.to_be_bytes());
        packet.extend(seq.to_be_bytes());
        packet.extend(ack.to_be_bytes());
        packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.resize(packet.len() + usize::from(payload), 0);
        packet
    }
}

/// All that was seen of conversations, in the order of time.
pub fn sorted(talks: impl IntoIterator<Item = Talk>) -> Vec<Sighting> {
    let mut all: Vec<_> = talks.into_iter().flat_map(|talk| talk.sightings).collect();
    all.sort_by_key(|sighting| sighting.time_ns);
    all
}

/// SplitMix64: the same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
