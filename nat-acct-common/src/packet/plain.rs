//! The plain frames, which nearly all are: Ethernet without a tag, an IP header without options or
//! extensions, TCP. Their headers have fixed places, which saves half of the time. Each step is one
//! of the whole parser's, and what is not plain is left to that.

use core::mem::offset_of;

use network_types::{
    eth::EthHdr,
    ip::{Ipv4Hdr, Ipv6Hdr},
};

use super::{
    Bytes, Endpoints, Found, Header, InParts, Link, Metadata, Segment, Transport, Vlan, ip, link,
    segment, tcp,
};
use crate::layout::{Address, Cause};

const IP: u32 = EthHdr::LEN as u32;

/// All headers of a plain frame.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub(crate) struct Headers<Ip> {
    ethernet: EthHdr,
    ip: Ip,
    tcp: tcp::Rows,
}

/// The segment in a plain frame of IPv4, which begins with an Ethernet header, as the caller knows;
/// `None` where the frame is not plain.
#[inline(always)]
pub fn plain_v4<'a, B: Bytes + ?Sized>(
    bytes: &'a B,
    about: &'a impl Metadata,
) -> Option<impl InParts + 'a> {
    Plain::<Ipv4Hdr, _>::find(bytes, about)
}

/// The same of IPv6.
#[inline(always)]
pub fn plain_v6<'a, B: Bytes + ?Sized>(
    bytes: &'a B,
    about: &'a impl Metadata,
) -> Option<impl InParts + 'a> {
    Plain::<Ipv6Hdr, _>::find(bytes, about)
}

/// A segment in a plain frame, where it is.
struct Plain<'a, Ip, About> {
    headers: Found<'a, Headers<Ip>>,
    about: &'a About,
    vlan: Vlan,
}

impl<'a, Ip, About> Plain<'a, Ip, About>
where
    Ip: PlainIp,
    Headers<Ip>: Header,
    About: Metadata,
{
    #[inline(always)]
    fn find<B: Bytes + ?Sized>(bytes: &'a B, about: &'a About) -> Option<Self> {
        let headers: Found<'_, Headers<Ip>> = bytes.find(0)?;
        let ether_type = u16::from_be_bytes(headers.part(link::ETHER_TYPE as usize).read());
        let vlan = about.vlan();
        let plain = Self {
            headers,
            about,
            vlan,
        };
        let is_plain = ether_type == Ip::ETHER_TYPE && plain.ip().is_plain();
        is_plain.then_some(plain)
    }

    #[inline(always)]
    fn ip(&self) -> Ip {
        self.headers.part(offset_of!(Headers<Ip>, ip)).read()
    }

    #[inline(always)]
    fn tcp(&self) -> tcp::Rows {
        self.headers.part(offset_of!(Headers<Ip>, tcp)).read()
    }
}

impl<Ip, About> InParts for Plain<'_, Ip, About>
where
    Ip: PlainIp,
    Headers<Ip>: Header,
    About: Metadata,
{
    #[inline(always)]
    fn flags(&self) -> u8 {
        tcp::control_bits(self.tcp())
    }

    #[inline(always)]
    fn endpoints(&self) -> Endpoints {
        let [source, destination] = self.ip().addresses();
        let [source_port, destination_port] = tcp::ports(self.tcp());
        Endpoints {
            vlan: self.vlan,
            source,
            destination,
            source_port,
            destination_port,
        }
    }

    #[inline(always)]
    fn endpoints_again(&self, kept: Endpoints) -> Endpoints {
        if Ip::ADDRESS_IS_WORD {
            self.endpoints()
        } else {
            kept
        }
    }

    #[inline(always)]
    fn whole(&self) -> Option<Segment> {
        let transport = self.ip().transport(self.about.frame_len()).ok()?;
        tcp::segment(self.tcp(), &transport, self.vlan, self.about.gso_size()).ok()
    }
}

/// An IP header without options or extensions, behind an Ethernet header.
trait PlainIp: Header {
    /// Of the frame.
    const ETHER_TYPE: u16;
    /// Whether an address is read at once.
    const ADDRESS_IS_WORD: bool;

    /// Whether it is one, and TCP follows.
    fn is_plain(&self) -> bool;

    /// Of source and destination.
    fn addresses(&self) -> [Address; 2];

    /// What it says of the TCP header, in a frame of so many bytes.
    fn transport(&self, frame_len: u32) -> Result<Transport, Cause>;
}

impl PlainIp for Ipv4Hdr {
    const ETHER_TYPE: u16 = link::IPV4;
    const ADDRESS_IS_WORD: bool = true;

    #[inline(always)]
    fn is_plain(&self) -> bool {
        // Version and length of the header in words (RFC 791, section 3.1), in one comparison.
        self.vihl == 0x45 && ip::check_v4(self).is_ok()
    }

    #[inline(always)]
    fn addresses(&self) -> [Address; 2] {
        [self.src_addr, self.dst_addr].map(Address::from_v4)
    }

    #[inline(always)]
    fn transport(&self, frame_len: u32) -> Result<Transport, Cause> {
        ip::v4_transport(self, IP, Self::LEN as u32, frame_len)
    }
}

impl PlainIp for Ipv6Hdr {
    const ETHER_TYPE: u16 = link::IPV6;
    const ADDRESS_IS_WORD: bool = false;

    #[inline(always)]
    fn is_plain(&self) -> bool {
        ip::check_v6(self).is_ok() && self.next_hdr == ip::TCP
    }

    #[inline(always)]
    fn addresses(&self) -> [Address; 2] {
        [self.src_addr, self.dst_addr].map(Address::from_v6)
    }

    #[inline(always)]
    fn transport(&self, frame_len: u32) -> Result<Transport, Cause> {
        ip::v6_transport(self, IP, IP + Self::LEN as u32, frame_len)
    }
}

/// Whether a frame is a plain one, with or without Ethernet, and opens no connection, if it is a segment
/// at all. Nothing else matters on the outside.
#[inline(always)]
pub fn plainly_opens_nothing<B: Bytes + ?Sized>(bytes: &B, link: Link) -> bool {
    let flags = match link {
        Link::Ethernet => match link::ether_type(bytes) {
            Ok(link::IPV4) => flags::<Ipv4Hdr, _>(bytes, IP),
            Ok(link::IPV6) => flags::<Ipv6Hdr, _>(bytes, IP),
            _ => None,
        },
        Link::Ip => flags::<Ipv4Hdr, _>(bytes, 0).or_else(|| flags::<Ipv6Hdr, _>(bytes, 0)),
    };
    flags.is_some_and(|flags| !segment::opens(flags))
}

/// The control bits behind a plain IP header at `offset`.
#[inline(always)]
fn flags<Ip: PlainIp, B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Option<u8> {
    let header: Ip = bytes.load(offset)?;
    if !header.is_plain() {
        return None;
    }
    tcp::flags(bytes, offset + size_of::<Ip>() as u32)
}
