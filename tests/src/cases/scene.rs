//! Where a case is put together: frames are added, with what must come of them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use nat_acct_common::layout::Cause;

use super::expect::{Connection, Outcome};
use super::frame::Frame;
use super::shape::Shape;
use super::talk::Talk;
use crate::lab::{Family, translated};
use crate::shapes::Way;

const CLIENT_PORT: u16 = 5_000;
const TRANSLATED_PORT: u16 = 61_002;
const REMOTE_PORT: u16 = 80;
const OTHER_PORT: u16 = 9_999;

/// A case of the table.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about.
    pub theme: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Its frames.
    pub rounds: Vec<Round>,
    /// What must come of it.
    pub expected: Outcome,
    /// The largest IP packet of the wire, where that is not 1,500 bytes: a capture does not say into
    /// what a super-packet was cut.
    pub mtu: Option<u32>,
    number: u8,
    /// Ways in which it cannot be shown.
    not_by: Vec<Way>,
}

/// Frames that are sent one right after the other.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// How many records of the case there must be before: its earlier connections are wholly over.
    pub after_records: usize,
    /// The frames.
    pub frames: Vec<Frame>,
}

/// A case in the making.
pub struct Scene {
    number: u8,
    /// The longest frame that can be used, in bytes.
    pub largest_frame: usize,
    rounds: Vec<Round>,
    expected: Outcome,
    mtu: Option<u32>,
    not_by: Vec<Way>,
}

impl Scene {
    pub(super) fn new(number: u8, largest_frame: usize) -> Self {
        Self {
            number,
            largest_frame,
            rounds: vec![Round::default()],
            expected: Outcome::default(),
            mtu: None,
            not_by: Vec::new(),
        }
    }

    /// A conversation over IPv4 in Ethernet.
    pub fn talk(&self) -> Talk {
        self.talk_in(Shape::plain(Family::V4))
    }

    /// A conversation in packets of this shape.
    pub fn talk_in(&self, shape: Shape) -> Talk {
        let n = self.number;
        let (client, remote) = match shape.family {
            Family::V4 => (
                Ipv4Addr::new(10, 17, n, 11).into(),
                Ipv4Addr::new(198, 18, n, 80).into(),
            ),
            Family::V6 => (
                Ipv6Addr::new(0xfd00, 0x17, n.into(), 0, 0, 0, 0, 0x11).into(),
                Ipv6Addr::new(0x2001, 0xdb8, n.into(), 0, 0, 0, 0, 0x80).into(),
            ),
        };
        let translated = translated(shape.family);
        let ends = [
            SocketAddr::new(client, CLIENT_PORT),
            SocketAddr::new(translated, TRANSLATED_PORT),
            SocketAddr::new(remote, REMOTE_PORT),
        ];
        // Each case has numbers of its own: openings that share theirs make each other doubtful.
        let [client_isn, remote_isn] = [1_000, 9_000].map(|isn| (u32::from(n) << 20) + isn);
        Talk::new(ends, shape).with_isns(client_isn, remote_isn)
    }

    /// Adds a frame.
    pub fn add(&mut self, frame: Frame) {
        if let Some(round) = self.rounds.last_mut() {
            round.frames.push(frame);
        }
    }

    /// Adds a frame that must be ignored.
    pub fn add_ignored(&mut self, mut frame: Frame, cause: Cause) {
        frame.says = None;
        self.add(frame);
        self.ignores(cause, 1);
    }

    /// So many packets must be ignored.
    pub fn ignores(&mut self, cause: Cause, packets: u64) {
        *self.expected.ignored.entry(cause).or_default() += packets;
    }

    /// This record must be written.
    pub fn expect(&mut self, connection: Connection) {
        self.expected.connections.push(connection);
    }

    /// What follows comes when all records that are expected so far have been written.
    pub fn after_all_records(&mut self) {
        self.rounds.push(Round {
            after_records: self.expected.connections.len(),
            frames: Vec::new(),
        });
    }

    /// Time goes by, more than a connection lingers after its end: what is open must stay so. A
    /// connection of another client shows it, for it ends now and has its record before what follows.
    pub fn let_linger(&mut self) {
        let mut other = self.talk();
        other.client.set_port(OTHER_PORT);
        other.translated.set_port(OTHER_PORT);
        other.remote.set_port(OTHER_PORT);
        other.open(self);
        other.close(self);
        let record = other.record("fin", (0, 0), (0, 0));
        self.expect(record);
        self.after_all_records();
    }

    /// Packets on the wire are as long as this.
    pub fn set_mtu(&mut self, mtu: u32) {
        self.mtu = Some(mtu);
    }

    /// The case cannot be shown in this way.
    pub fn not_by(&mut self, way: Way) {
        self.not_by.push(way);
    }

    pub(super) fn end(mut self, theme: &'static str, name: &'static str) -> Case {
        self.expected.sort();
        Case {
            theme,
            name,
            rounds: self.rounds,
            expected: self.expected,
            mtu: self.mtu,
            number: self.number,
            not_by: self.not_by,
        }
    }
}

impl Case {
    /// Whether a connection with this client is the case's.
    #[must_use]
    pub fn owns(&self, client: SocketAddr) -> bool {
        match client {
            SocketAddr::V4(client) => client.ip().octets()[2] == self.number,
            SocketAddr::V6(client) => client.ip().segments()[2] == u16::from(self.number),
        }
    }

    /// Whether it can be shown in this way.
    #[must_use]
    pub fn can_be_shown(&self, way: Way) -> bool {
        !self.not_by.contains(&way)
    }
}
