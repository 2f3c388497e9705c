//! Writers of captures: link-layer headers, pcap and pcapng in all their variants.

use crate::traffic::{From, Side, Sighting};

pub const ETHERNET: u32 = 1;
pub const RAW: u32 = 101;
pub const SLL: u32 = 113;
pub const SLL2: u32 = 276;

/// Numbers of the interfaces in SLL2.
pub const INSIDE_INDEX: u32 = 3;
pub const OUTSIDE_INDEX: u32 = 7;

/// The packet of a sighting behind the header of a link type.
pub fn framed(sighting: &Sighting, link: u32) -> Vec<u8> {
    let mut frame = match link {
        ETHERNET => ethernet(sighting),
        SLL => {
            let mut header = vec![0, packet_type(sighting), 0, 1, 0, 6];
            header.extend([2, 0, 0, 0, 0, 9, 0, 0, 8, 0]);
            header
        }
        SLL2 => {
            let mut header = vec![8, 0, 0, 0];
            let index = match sighting.side {
                Side::Inside => INSIDE_INDEX,
                Side::Outside => OUTSIDE_INDEX,
            };
            header.extend(index.to_be_bytes());
            header.extend([0, 1, packet_type(sighting), 6, 2, 0, 0, 0, 0, 9, 0, 0]);
            header
        }
        _ => Vec::new(),
    };
    frame.extend(&sighting.packet);
    frame
}

fn ethernet(sighting: &Sighting) -> Vec<u8> {
    let gateway = [2, 0, 0, 0, 0, 1];
    let other = [2, 0, 0, 0, 0, 2];
    let (to, from) = if packet_type(sighting) == OUTGOING {
        (other, gateway)
    } else {
        (gateway, other)
    };
    [&to[..], &from, &[8, 0]].concat()
}

const INCOMING: u8 = 0;
const OUTGOING: u8 = 4;

fn packet_type(sighting: &Sighting) -> u8 {
    match (sighting.side, sighting.from) {
        (Side::Inside, From::Client) | (Side::Outside, From::Remote) => INCOMING,
        (Side::Inside, From::Remote) | (Side::Outside, From::Client) => OUTGOING,
    }
}

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// How a classic capture is written.
#[derive(Clone, Copy, Debug)]
pub struct Pcap {
    pub order: Order,
    pub nanoseconds: bool,
    pub link: u32,
    pub snap_len: u32,
}

pub const PCAP: Pcap = Pcap {
    order: Order::Little,
    nanoseconds: false,
    link: ETHERNET,
    snap_len: 262_144,
};

impl Pcap {
    pub fn header(self) -> Vec<u8> {
        let magic = if self.nanoseconds {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        };
        let mut file = self.order.u32(magic).to_vec();
        file.extend(self.order.u16(2));
        file.extend(self.order.u16(4));
        for number in [0, 0, self.snap_len, self.link] {
            file.extend(self.order.u32(number));
        }
        file
    }

    /// A packet of which no more is captured than the snap length says.
    pub fn packet(self, time_ns: u64, frame: &[u8]) -> Vec<u8> {
        let captured = &frame[..frame.len().min(self.snap_len as usize)];
        self.record(time_ns, captured, captured.len() as u32, frame.len() as u32)
    }

    /// A packet whose header says anything.
    pub fn record(self, time_ns: u64, captured: &[u8], captured_len: u32, len: u32) -> Vec<u8> {
        let rest_ns = (time_ns % 1_000_000_000) as u32;
        let fraction = if self.nanoseconds {
            rest_ns
        } else {
            rest_ns / 1_000
        };
        let numbers = [
            (time_ns / 1_000_000_000) as u32,
            fraction,
            captured_len,
            len,
        ];
        let mut record: Vec<u8> = numbers
            .into_iter()
            .flat_map(|n| self.order.u32(n))
            .collect();
        record.extend(captured);
        record
    }

    /// All of one side.
    pub fn file(self, sightings: &[Sighting], side: Side) -> Vec<u8> {
        let mut file = self.header();
        for sighting in sightings.iter().filter(|sighting| sighting.side == side) {
            file.extend(self.packet(sighting.time_ns, &framed(sighting, self.link)));
        }
        file
    }
}

/// A capture in pcapng that grows block by block.
pub struct Pcapng {
    pub bytes: Vec<u8>,
    order: Order,
}

/// An option of a block.
pub type Opt<'a> = (u16, &'a [u8]);

pub const IF_NAME: u16 = 2;
pub const IF_TSRESOL: u16 = 9;
pub const IF_TSOFFSET: u16 = 14;
pub const EPB_FLAGS: u16 = 2;

impl Pcapng {
    pub fn new(order: Order) -> Self {
        let mut new = Self {
            bytes: Vec::new(),
            order,
        };
        new.section(order);
        new
    }

    /// A new section.
    pub fn section(&mut self, order: Order) {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body);
    }

    pub fn interface(&mut self, link: u32, options: &[Opt<'_>]) {
        let mut body = self.order.u16(link as u16).to_vec();
        body.extend([0; 2]);
        body.extend(self.order.u32(0));
        self.options(&mut body, options);
        self.block(1, &body);
    }

    /// An enhanced packet block; `units` is the time in the interface's units.
    pub fn packet(&mut self, interface: u32, units: u64, frame: &[u8], options: &[Opt<'_>]) {
        let length = frame.len() as u32;
        let numbers = [
            interface,
            (units >> 32) as u32,
            units as u32,
            length,
            length,
        ];
        let mut body: Vec<u8> = numbers
            .into_iter()
            .flat_map(|n| self.order.u32(n))
            .collect();
        body.extend(frame);
        body.resize(body.len().next_multiple_of(4), 0);
        self.options(&mut body, options);
        self.block(6, &body);
    }

    pub fn simple_packet(&mut self, frame: &[u8]) {
        let mut body = self.order.u32(frame.len() as u32).to_vec();
        body.extend(frame);
        body.resize(body.len().next_multiple_of(4), 0);
        self.block(3, &body);
    }

    pub fn block(&mut self, kind: u32, body: &[u8]) {
        let length = self.order.u32(body.len() as u32 + 12);
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.extend(length);
    }

    fn options(&self, body: &mut Vec<u8>, options: &[Opt<'_>]) {
        for (code, value) in options {
            body.extend(self.order.u16(*code));
            body.extend(self.order.u16(value.len() as u16));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            body.extend([0; 4]);
        }
    }

    /// Both sides, with the names that interfaces usually have.
    pub fn both(sightings: &[Sighting], link: u32) -> Vec<u8> {
        let mut file = Self::new(Order::Little);
        for name in ["br0", "eth1"] {
            file.interface(link, &[(IF_NAME, name.as_bytes()), (IF_TSRESOL, &[9])]);
        }
        for sighting in sightings {
            let interface = u32::from(sighting.side == Side::Outside);
            file.packet(interface, sighting.time_ns, &framed(sighting, link), &[]);
        }
        file.bytes
    }
}
