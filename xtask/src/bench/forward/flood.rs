//! Connections that are forged at both ends, and small segments of them, as fast as they can be
//! sent: half of them by the clients, half by the remote, each of a connection drawn at random.

use anyhow::{Result, ensure};
use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader, TcpOptionElement::WindowScale};
use nat_acct_tests::lab::{Family, Hints, PacketSocket, translated};
use nat_acct_tests::{Lab, Ns};

use super::hosts::{INTERFACE, Links, MOST_CONNECTIONS, REMOTE, REMOTE_PORT, client};
use super::segments::Segments;
use crate::bench::traffic::random::Random;

/// TCP payload of a segment.
pub const PAYLOAD: usize = 64;
/// Messages for one system call.
const BATCH: usize = 64;
const HEADERS: usize = 14 + 20 + 20;
const MESSAGE: usize = Hints::LEN + HEADERS + PAYLOAD;
/// Where the TCP header begins in a frame.
const TCP_AT: usize = 14 + 20;
const SEQ_AT: usize = Hints::LEN + TCP_AT + 4;
const CHECKSUM_AT: usize = Hints::LEN + TCP_AT + 16;
const TCP: u16 = 6;
/// A gigabyte of it is never used up: no segment is answered.
const WINDOW: u16 = u16::MAX;
const SCALE: u8 = 14;
const TTL: u8 = 64;
/// Segments of each side that open a connection.
const OPENING: u64 = 2;
const CLIENT_ISN: u32 = 1_000_000;
const REMOTE_ISN: u32 = 2_000_000;

pub struct Flood {
    from_clients: Way,
    from_remote: Way,
    random: Random,
}

/// One direction of all connections.
struct Way {
    socket: PacketSocket,
    streams: Vec<Stream>,
    batch: Vec<[u8; MESSAGE]>,
}

struct Stream {
    message: [u8; MESSAGE],
    seq: u32,
}

impl Flood {
    /// Opens connections by SYN, SYN-ACK and ACK, and an ACK that opens the remote's window.
    pub fn open(lab: &Lab, links: &Links, connections: u16) -> Result<Self> {
        ensure!(connections <= MOST_CONNECTIONS, "too many connections");
        let socket = |ns| lab.enter(ns, || PacketSocket::open(INTERFACE));
        let way = |ns| {
            Ok::<_, anyhow::Error>(Way {
                socket: socket(ns)?,
                streams: Vec::new(),
                batch: vec![[0; MESSAGE]; BATCH],
            })
        };
        let mut flood = Self {
            from_clients: way(Ns::Client1)?,
            from_remote: way(Ns::Remote)?,
            random: Random::new(1),
        };
        for connection in 0..connections {
            flood.open_one(links, connection)?;
        }
        Ok(flood)
    }

    /// The segments that opened them.
    pub fn openings(&self) -> Segments {
        let openings = |way: &Way| OPENING * way.streams.len() as u64;
        Segments {
            from_clients: openings(&self.from_clients),
            from_remote: openings(&self.from_remote),
        }
    }

    /// Sends at least so many segments; how many those were.
    pub fn send(&mut self, packets: u64) -> Result<Segments> {
        let mut sent = Segments::default();
        while sent.together() < packets {
            sent += Segments {
                from_clients: self.from_clients.send_batch(&mut self.random)?,
                from_remote: self.from_remote.send_batch(&mut self.random)?,
            };
        }
        Ok(sent)
    }

    fn open_one(&mut self, links: &Links, connection: u16) -> Result<()> {
        let (client, port) = client(connection);
        let std::net::IpAddr::V4(translated) = translated(Family::V4) else {
            unreachable!("an address of IPv4");
        };
        let outward = |seq| {
            PacketBuilder::ethernet2(links.client, links.inside)
                .ipv4(client.octets(), REMOTE.octets(), TTL)
                .tcp(port, REMOTE_PORT, seq, WINDOW)
        };
        let inward = |seq| {
            PacketBuilder::ethernet2(links.remote, links.outside)
                .ipv4(REMOTE.octets(), translated.octets(), TTL)
                .tcp(REMOTE_PORT, port, seq, WINDOW)
        };
        let scaled = [WindowScale(SCALE)];
        let syn = outward(CLIENT_ISN).syn().options(&scaled)?;
        let syn_ack = inward(REMOTE_ISN).syn().ack(CLIENT_ISN + 1);
        let syn_ack = syn_ack.options(&scaled)?;
        let outward = || outward(CLIENT_ISN + 1).ack(REMOTE_ISN + 1);
        let inward = || inward(REMOTE_ISN + 1).ack(CLIENT_ISN + 1);
        self.from_clients.socket.send_segment(syn)?;
        self.from_remote.socket.send_segment(syn_ack)?;
        self.from_clients.socket.send_segment(outward())?;
        self.from_remote.socket.send_segment(inward())?;
        let outward = Stream::new(outward(), CLIENT_ISN + 1)?;
        self.from_clients.streams.push(outward);
        let inward = Stream::new(inward(), REMOTE_ISN + 1)?;
        self.from_remote.streams.push(inward);
        Ok(())
    }
}

impl Way {
    fn send_batch(&mut self, random: &mut Random) -> Result<u64> {
        let connections = self.streams.len() as u32;
        for message in &mut self.batch {
            self.streams[random.between(0, connections) as usize].next(message);
        }
        self.socket.send_many(&self.batch)?;
        Ok(self.batch.len() as u64)
    }
}

impl Stream {
    /// A segment to be repeated, each time with the sequence number that follows. As with a card
    /// that does checksums, nobody on the way has to read the payload.
    fn new(segment: PacketBuilderStep<TcpHeader>, seq: u32) -> Result<Self> {
        let mut frame = Vec::new();
        segment.write(&mut frame, &[0; PAYLOAD])?;
        let mut message = [0; MESSAGE];
        message[..Hints::LEN].copy_from_slice(&Hints::of_begun_checksum(TCP_AT as u16));
        message[Hints::LEN..].copy_from_slice(&frame);
        let begun = pseudo_header_sum(&frame);
        message[CHECKSUM_AT..CHECKSUM_AT + 2].copy_from_slice(&begun.to_be_bytes());
        Ok(Self { message, seq })
    }

    fn next(&mut self, message: &mut [u8; MESSAGE]) {
        *message = self.message;
        message[SEQ_AT..SEQ_AT + 4].copy_from_slice(&self.seq.to_be_bytes());
        self.seq = self.seq.wrapping_add(PAYLOAD as u32);
    }
}

/// RFC 9293, section 3.1: addresses, protocol and length.
fn pseudo_header_sum(frame: &[u8]) -> u16 {
    let addresses = frame[26..TCP_AT].chunks_exact(2);
    let words = addresses.map(|word| u16::from_be_bytes([word[0], word[1]]));
    let length = (frame.len() - TCP_AT) as u16;
    let sum: u32 = words.chain([TCP, length]).map(u32::from).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ((folded & 0xffff) + (folded >> 16)) as u16
}
