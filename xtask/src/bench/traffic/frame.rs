//! A segment as an Ethernet frame on one side of the gateway, as far as it is captured. Payload is
//! zeros, which is known to the checksum.

use std::net::{Ipv4Addr, SocketAddrV4};

use etherparse::{
    EtherType, Ethernet2Header, IpNumber, Ipv4Header, TcpHeader,
    TcpOptionElement::{
        MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, Timestamp, WindowScale,
    },
};

use super::conversation::{FULL, Kind, Segment};

// Locally administered Ethernet addresses.
const INSIDE_GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OUTSIDE_GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 2];
const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 3];

const WINDOW: u16 = 502;

/// Where a frame is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Inside,
    Outside,
}

/// Whence and whither, on one side of the gateway.
pub struct Way {
    pub side: Side,
    pub from: SocketAddrV4,
    pub to: SocketAddrV4,
    /// Whether the client sent it, or the remote.
    pub outbound: bool,
}

/// The captured part of a frame.
pub struct Frame {
    pub bytes: Vec<u8>,
    /// How long it was on the wire.
    pub original: u32,
    pub ip_bytes: u32,
}

/// At most `snap_bytes` are captured.
pub fn build(segment: &Segment, way: &Way, time_ms: u32, snap_bytes: u32) -> Frame {
    let tcp = tcp(segment, way, time_ms);
    let ip = ip(&tcp, segment.payload, way);
    let ip_bytes = u32::from(ip.total_len);
    let original = Ethernet2Header::LEN as u32 + ip_bytes;
    let captured = snap_bytes.min(original) as usize;
    let mut bytes = Vec::with_capacity(captured);
    bytes.extend_from_slice(&ethernet(way).to_bytes());
    bytes.extend_from_slice(&ip.to_bytes());
    bytes.extend_from_slice(&tcp.to_bytes());
    bytes.resize(captured, 0);
    Frame {
        bytes,
        original,
        ip_bytes,
    }
}

fn ethernet(way: &Way) -> Ethernet2Header {
    let client = if way.outbound { way.from } else { way.to };
    let (near, far) = match way.side {
        Side::Inside => (link_of(*client.ip()), INSIDE_GATEWAY),
        Side::Outside => (OUTSIDE_GATEWAY, ROUTER),
    };
    let (source, destination) = if way.outbound {
        (near, far)
    } else {
        (far, near)
    };
    Ethernet2Header {
        source,
        destination,
        ether_type: EtherType::IPV4,
    }
}

fn link_of(client: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = client.octets();
    [2, 0, a, b, c, d]
}

fn ip(tcp: &TcpHeader, payload: u32, way: &Way) -> Ipv4Header {
    // Each router on the way takes one.
    let time_to_live = match (way.side, way.outbound) {
        (Side::Inside, true) => 64,
        (Side::Outside, true) => 63,
        (Side::Outside, false) => 54,
        (Side::Inside, false) => 53,
    };
    let (from, to) = (way.from.ip().octets(), way.to.ip().octets());
    let length = tcp.header_len_u16() + payload as u16;
    let mut ip = Ipv4Header::new(length, time_to_live, IpNumber::TCP, from, to)
        .expect("a segment fits into a packet");
    ip.header_checksum = ip.calc_header_checksum();
    ip
}

fn tcp(segment: &Segment, way: &Way, time_ms: u32) -> TcpHeader {
    static PAYLOAD: [u8; FULL as usize] = [0; FULL as usize];
    let mut tcp = TcpHeader::new(way.from.port(), way.to.port(), segment.seq, WINDOW);
    tcp.acknowledgment_number = segment.ack;
    tcp.syn = matches!(segment.kind, Kind::Syn | Kind::SynAck);
    tcp.ack = segment.kind != Kind::Syn;
    tcp.psh = segment.kind == Kind::Data && segment.payload < FULL;
    tcp.fin = segment.kind == Kind::Fin;
    tcp.rst = segment.kind == Kind::Rst;
    let stamp = Timestamp(time_ms, time_ms.wrapping_sub(20));
    let options = if tcp.syn {
        tcp.set_options(&[
            MaximumSegmentSize(1_460),
            SelectiveAcknowledgementPermitted,
            stamp,
            Noop,
            WindowScale(7),
        ])
    } else {
        tcp.set_options(&[Noop, Noop, stamp])
    };
    options.expect("the options fit");
    let payload = &PAYLOAD[..segment.payload as usize];
    let (from, to) = (way.from.ip().octets(), way.to.ip().octets());
    tcp.checksum = tcp
        .calc_checksum_ipv4_raw(from, to, payload)
        .expect("a segment fits into a packet");
    tcp
}
