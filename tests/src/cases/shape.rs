//! What packets of a conversation look like: the headers around its segments.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, Ethernet2Header, Ipv4Header, Ipv6Header, TcpHeader, ip_number};
use nat_acct_common::layout::Sender;
use nat_acct_common::packet::Link;

use super::extension::{self, Extension};
use super::frame::{Frame, Says, Side};
use crate::lab::Family;

/// The shortest Ethernet frame, without its checksum (IEEE 802.3, section 3.2.7).
const MINIMUM_FRAME: usize = 60;
const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// The low 12 bits of each VLAN tag.
const VLAN_ID: u16 = 100;

/// The headers around a segment.
#[derive(Clone, Debug)]
pub struct Shape {
    pub family: Family,
    pub link: Link,
    /// Types of the VLAN tags, the outermost first.
    pub tags: Vec<u16>,
    pub pppoe: bool,
    /// Whether short frames are padded, as on a wire.
    pub padded: bool,
    pub ip_options: usize,
    /// IPv6 extension headers.
    pub extensions: Vec<Extension>,
    pub length: Length,
    pub tcp_options: usize,
    pub gso_size: u16,
    pub linear: u16,
}

/// What the length in the IP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The length.
    True,
    /// 0: the packet is a super-packet, longer than the field can say.
    Zero,
    /// 0, and the length is in a jumbo payload option (RFC 2675).
    Jumbo,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Tcp {
    pub from: Sender,
    pub flags: u8,
    pub seq: u32,
    pub ack: u32,
    pub payload: u32,
}

impl Shape {
    /// IP in Ethernet, with nothing that could be left out.
    pub fn plain(family: Family) -> Self {
        Self {
            family,
            link: Link::Ethernet,
            tags: Vec::new(),
            pppoe: false,
            padded: false,
            ip_options: 0,
            extensions: Vec::new(),
            length: Length::True,
            tcp_options: 0,
            gso_size: 0,
            linear: 0,
        }
    }

    /// The frame of a segment between these endpoints.
    pub fn frame(&self, side: Side, ends: (SocketAddr, SocketAddr), tcp: &Tcp) -> Frame {
        let tcp_header = self.tcp(ends, tcp);
        let ip_payload = tcp_header.len() + tcp.payload as usize;
        let ip_header = match self.family {
            Family::V4 => self.ipv4(ends, ip_payload),
            Family::V6 => self.ipv6(ends, ip_payload),
        };
        let leaves = (side == Side::Inside) == (tcp.from == Sender::Remote);
        let mut bytes = self.link_header(leaves, ip_header.len() + ip_payload);
        let ip_at = bytes.len();
        let tcp_at = ip_at + ip_header.len();
        bytes.extend(ip_header);
        bytes.extend(tcp_header);
        let len = bytes.len() + tcp.payload as usize;
        Frame {
            side,
            sender: tcp.from,
            link: self.link,
            family: self.family,
            len: if self.padded {
                len.max(MINIMUM_FRAME)
            } else {
                len
            },
            bytes,
            ip_at,
            tcp_at,
            gso_size: if tcp.payload > u32::from(self.gso_size) {
                self.gso_size
            } else {
                0
            },
            linear: self.linear,
            says: Some(Says {
                source_port: ends.0.port(),
                destination_port: ends.1.port(),
                seq: tcp.seq,
                payload: tcp.payload,
            }),
            times: 1,
        }
    }

    /// Bytes of the headers of IP and TCP that each packet on the wire has. The jumbo payload option is
    /// the super-packet's alone.
    pub fn wire_headers(&self, frame: &Frame) -> u64 {
        let all = (frame.bytes.len() - frame.ip_at) as u64;
        match self.length {
            Length::True | Length::Zero => all,
            Length::Jumbo => all - 8,
        }
    }

    fn link_header(&self, leaves: bool, ip_len: usize) -> Vec<u8> {
        if self.link == Link::Ip {
            return Vec::new();
        }
        let protocol = match (self.pppoe, self.family) {
            (true, _) => EtherType(0x8864),
            (false, Family::V4) => EtherType::IPV4,
            (false, Family::V6) => EtherType::IPV6,
        };
        let ether_type = self.tags.first().map_or(protocol, |tag| EtherType(*tag));
        let (source, destination) = if leaves {
            (GATEWAY, OTHER)
        } else {
            (OTHER, GATEWAY)
        };
        let header = Ethernet2Header {
            source,
            destination,
            ether_type,
        };
        let mut bytes = header.to_bytes().to_vec();
        let behind = self.tags.iter().skip(1).copied().chain([protocol.0]);
        for next in behind.take(self.tags.len()) {
            bytes.extend(VLAN_ID.to_be_bytes());
            bytes.extend(next.to_be_bytes());
        }
        if self.pppoe {
            bytes.extend(self.pppoe_header(ip_len));
        }
        bytes
    }

    /// RFC 2516, section 4: version and type 1, a session's data; and the protocol of PPP.
    fn pppoe_header(&self, ip_len: usize) -> Vec<u8> {
        let protocol: u16 = match self.family {
            Family::V4 => 0x0021,
            Family::V6 => 0x0057,
        };
        let mut bytes = vec![0x11, 0, 0, 7];
        bytes.extend((ip_len as u16 + 2).to_be_bytes());
        bytes.extend(protocol.to_be_bytes());
        bytes
    }

    fn ipv4(&self, ends: (SocketAddr, SocketAddr), payload: usize) -> Vec<u8> {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (ends.0.ip(), ends.1.ip()) else {
            panic!("IPv4 between {ends:?}");
        };
        let options = vec![1; self.ip_options];
        let mut header = Ipv4Header {
            time_to_live: 64,
            protocol: ip_number::TCP,
            source: source.octets(),
            destination: destination.octets(),
            options: options[..].try_into().expect("a multiple of 4 up to 40"),
            ..Ipv4Header::default()
        };
        if self.length == Length::True {
            header
                .set_payload_len(payload)
                .expect("a length of 16 bits");
        }
        header.header_checksum = header.calc_header_checksum();
        header.to_bytes().to_vec()
    }

    fn ipv6(&self, ends: (SocketAddr, SocketAddr), payload: usize) -> Vec<u8> {
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (ends.0.ip(), ends.1.ip()) else {
            panic!("IPv6 between {ends:?}");
        };
        let mut extensions = self.extensions.clone();
        if self.length == Length::Jumbo {
            extensions.insert(0, Extension::jumbo(payload));
        }
        let chain = extension::chain(&extensions);
        let header = Ipv6Header {
            payload_length: match self.length {
                Length::True => (chain.len() + payload).try_into().expect("16 bits"),
                Length::Zero | Length::Jumbo => 0,
            },
            next_header: extensions.first().map_or(ip_number::TCP, |first| first.0),
            hop_limit: 64,
            source: source.octets(),
            destination: destination.octets(),
            ..Ipv6Header::default()
        };
        [&header.to_bytes()[..], &chain].concat()
    }

    fn tcp(&self, ends: (SocketAddr, SocketAddr), tcp: &Tcp) -> Vec<u8> {
        let (source, destination) = (ends.0.port(), ends.1.port());
        let mut header = TcpHeader::new(source, destination, tcp.seq, 65_535);
        header.acknowledgment_number = tcp.ack;
        let options = vec![1; self.tcp_options];
        header.set_options_raw(&options).expect("at most 40 bytes");
        let mut bytes = header.to_bytes().to_vec();
        bytes[13] = tcp.flags;
        bytes
    }
}
