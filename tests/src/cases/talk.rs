//! A conversation between two endpoints through the gateway: it knows what each will send next, and
//! adds up what each has sent.

use std::net::SocketAddr;

use nat_acct_common::layout::{Cause, PerSender, Sender};
use nat_acct_common::packet::flag::{ACK, FIN, SYN};

use super::expect::{Connection, Sums};
use super::frame::{Frame, Side};
use super::scene::Scene;
use super::shape::{Shape, Tcp};

pub const CLIENT: Sender = Sender::Client;
pub const REMOTE: Sender = Sender::Remote;

#[derive(Clone, Debug)]
pub struct Talk {
    pub client: SocketAddr,
    /// What the remote sees instead of the client.
    pub translated: SocketAddr,
    pub remote: SocketAddr,
    pub opener: Sender,
    /// The next sequence number of each sender.
    pub next: PerSender<u32>,
    pub shape: Shape,
    /// What passed the inside: packets and IP bytes.
    passed: PerSender<(u64, u64)>,
}

impl Talk {
    /// Endpoints that have said nothing.
    pub fn new(ends: [SocketAddr; 3], shape: Shape) -> Self {
        let [client, translated, remote] = ends;
        Self {
            client,
            translated,
            remote,
            opener: CLIENT,
            next: PerSender([1_000, 9_000]),
            shape,
            passed: PerSender::default(),
        }
    }

    /// The endpoints with these initial sequence numbers.
    pub fn with_isns(self, client_isn: u32, remote_isn: u32) -> Self {
        Self {
            next: PerSender([client_isn, remote_isn]),
            ..self
        }
    }

    /// The same endpoints begin anew, with these sequence numbers.
    pub fn anew(&self, client_isn: u32, remote_isn: u32) -> Self {
        Self {
            next: PerSender([client_isn, remote_isn]),
            passed: PerSender::default(),
            ..self.clone()
        }
    }

    /// SYN, SYN-ACK, ACK.
    pub fn open(&mut self, scene: &mut Scene) {
        let opener = self.opener;
        self.say(scene, opener, SYN, 0);
        self.say(scene, opener.peer(), SYN | ACK, 0);
        self.say(scene, opener, ACK, 0);
    }

    /// FIN, FIN, ACK.
    pub fn close(&mut self, scene: &mut Scene) {
        self.say(scene, CLIENT, FIN | ACK, 0);
        self.say(scene, REMOTE, FIN | ACK, 0);
        self.say(scene, CLIENT, ACK, 0);
    }

    /// A segment at the sender's next sequence number passes the gateway.
    pub fn say(&mut self, scene: &mut Scene, from: Sender, flags: u8, payload: u32) {
        let tcp = self.segment(from, flags, payload);
        self.pass(scene, &tcp);
        self.advance(from, &tcp);
    }

    /// So many segments of `payload` bytes, one after the other, pass the inside; on the outside they
    /// would only take time.
    pub fn say_often(&mut self, scene: &mut Scene, from: Sender, payload: u32, times: u32) {
        let tcp = self.segment(from, ACK, payload);
        let mut frame = self.frame(Side::Inside, &tcp);
        frame.times = times;
        scene.add(frame);
        for _ in 0..times {
            self.count(&tcp);
            self.advance(from, &tcp);
        }
    }

    /// A segment at the sender's next sequence number.
    pub fn segment(&self, from: Sender, flags: u8, payload: u32) -> Tcp {
        let acknowledges = flags & ACK != 0;
        Tcp {
            from,
            flags,
            seq: *self.next.get(from),
            ack: if acknowledges {
                *self.next.get(from.peer())
            } else {
                0
            },
            payload,
        }
    }

    /// What the sender sent last ends here.
    pub fn advance(&mut self, from: Sender, tcp: &Tcp) {
        let controls = (tcp.flags & (SYN | FIN)).count_ones();
        let next = self.next.get_mut(from);
        *next = next.wrapping_add(tcp.payload + controls);
    }

    /// A segment of this connection passes the gateway.
    pub fn pass(&mut self, scene: &mut Scene, tcp: &Tcp) {
        self.pass_uncounted(scene, tcp);
        self.count(tcp);
    }

    /// A segment of this connection is seen on the inside only.
    pub fn pass_inside(&mut self, scene: &mut Scene, tcp: &Tcp) {
        scene.add(self.frame(Side::Inside, tcp));
        self.count(tcp);
    }

    /// A segment is seen on the outside only.
    pub fn pass_outside(&self, scene: &mut Scene, tcp: &Tcp) {
        scene.add(self.frame(Side::Outside, tcp));
    }

    /// A segment passes the gateway and belongs to no connection.
    pub fn stray(&self, scene: &mut Scene, tcp: &Tcp, cause: Cause) {
        self.pass_uncounted(scene, tcp);
        scene.ignores(cause, 1);
    }

    /// A segment passes the gateway and is in no record.
    pub fn pass_uncounted(&self, scene: &mut Scene, tcp: &Tcp) {
        for side in sides(tcp.from) {
            scene.add(self.frame(side, tcp));
        }
    }

    /// The frame of a segment on one side.
    pub fn frame(&self, side: Side, tcp: &Tcp) -> Frame {
        let near = match side {
            Side::Inside => self.client,
            Side::Outside => self.translated,
        };
        let ends = match tcp.from {
            Sender::Client => (near, self.remote),
            Sender::Remote => (self.remote, near),
        };
        self.shape.frame(side, ends, tcp)
    }

    /// The record that must come of it: payload, and what of that was retransmitted, each way.
    pub fn record(&self, reason: &str, sent: (u64, u64), received: (u64, u64)) -> Connection {
        let sums = |sender, (payload, retransmitted)| {
            let (packets, ip_bytes) = *self.passed.get(sender);
            Sums {
                payload,
                retransmitted,
                packets,
                ip_bytes,
            }
        };
        Connection {
            client: self.client,
            translated: Some(self.translated),
            remote: self.remote,
            inbound: self.opener == REMOTE,
            sent: sums(CLIENT, sent),
            received: sums(REMOTE, received),
            reason: reason.to_owned(),
            matched: "sequence".to_owned(),
            partial: false,
        }
    }

    /// Takes note that a segment of this connection passed.
    pub fn count(&mut self, tcp: &Tcp) {
        let frame = self.frame(Side::Inside, tcp);
        let headers = self.shape.wire_headers(&frame);
        let payload = u64::from(tcp.payload);
        let segments = match frame.gso_size {
            0 => 1,
            size => payload.div_ceil(u64::from(size)),
        };
        let (packets, ip_bytes) = self.passed.get_mut(tcp.from);
        *packets += segments;
        *ip_bytes += payload + segments * headers;
    }
}

impl Connection {
    /// Bytes were missed.
    pub(super) fn partial(self) -> Self {
        Self {
            partial: true,
            ..self
        }
    }

    /// There is no translated address, for this reason.
    pub(super) fn unmatched(self, why: &str) -> Self {
        Self {
            translated: None,
            matched: why.to_owned(),
            ..self
        }
    }
}

/// The sides in the order in which a packet passes them.
fn sides(from: Sender) -> [Side; 2] {
    match from {
        Sender::Client => [Side::Inside, Side::Outside],
        Sender::Remote => [Side::Outside, Side::Inside],
    }
}
