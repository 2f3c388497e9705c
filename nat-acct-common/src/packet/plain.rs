//! The plain frames, which nearly all are: Ethernet without a tag, an IP header without options or
//! extensions, TCP. Their headers have fixed places, which saves half of the time. Each step is one
//! of the whole parser's, and what is not plain is left to that.

use network_types::{
    eth::EthHdr,
    ip::{Ipv4Hdr, Ipv6Hdr},
};

use super::{Bytes, Frame, Header, Link, Segment, ip, link, segment, tcp};

const IP: u32 = EthHdr::LEN as u32;

/// All headers of a plain frame, to be read at once.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub(crate) struct Headers<Ip> {
    ethernet: EthHdr,
    ip: Ip,
    tcp: tcp::Rows,
}

/// The segment in a plain frame of IPv4; `None` for one that is not plain, or no segment.
#[inline(always)]
pub fn parse_plain_v4<B: Bytes + ?Sized>(bytes: &B, frame: &Frame) -> Option<Segment> {
    let headers: Headers<Ipv4Hdr> = headers(bytes, frame, link::IPV4)?;
    let header = headers.ip;
    if !is_plain_v4(&header) {
        return None;
    }
    let transport = ip::v4_transport(&header, IP, Ipv4Hdr::LEN as u32, frame.len).ok()?;
    tcp::segment(headers.tcp, &transport, frame.vlan, frame.gso_size).ok()
}

/// The same of IPv6.
#[inline(always)]
pub fn parse_plain_v6<B: Bytes + ?Sized>(bytes: &B, frame: &Frame) -> Option<Segment> {
    let headers: Headers<Ipv6Hdr> = headers(bytes, frame, link::IPV6)?;
    let header = headers.ip;
    if !is_plain_v6(&header) {
        return None;
    }
    let transport = ip::v6_transport(&header, IP, IP + Ipv6Hdr::LEN as u32, frame.len).ok()?;
    tcp::segment(headers.tcp, &transport, frame.vlan, frame.gso_size).ok()
}

#[inline(always)]
fn headers<Ip, B>(bytes: &B, frame: &Frame, ether_type: u16) -> Option<Headers<Ip>>
where
    Headers<Ip>: Header,
    B: Bytes + ?Sized,
{
    if frame.link != Link::Ethernet {
        return None;
    }
    let headers: Headers<Ip> = bytes.load(0)?;
    (u16::from_be(headers.ethernet.ether_type) == ether_type).then_some(headers)
}

/// Whether a frame is a plain one, with or without Ethernet, and opens no connection, if it is a segment
/// at all. Nothing else matters on the outside.
#[inline(always)]
pub fn plainly_opens_nothing<B: Bytes + ?Sized>(bytes: &B, link: Link) -> bool {
    let flags = match link {
        Link::Ethernet => match link::ether_type(bytes) {
            Ok(link::IPV4) => flags_v4(bytes, IP),
            Ok(link::IPV6) => flags_v6(bytes, IP),
            _ => None,
        },
        Link::Ip => flags_v4(bytes, 0).or_else(|| flags_v6(bytes, 0)),
    };
    flags.is_some_and(|flags| !segment::opens(flags))
}

#[inline(always)]
fn flags_v4<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Option<u8> {
    let header = plain_v4(bytes, offset)?;
    // Where there may be a TCP header, and what it is of.
    ip::v4_transport(&header, offset, Ipv4Hdr::LEN as u32, u32::MAX).ok()?;
    tcp::flags(bytes, offset + Ipv4Hdr::LEN as u32)
}

#[inline(always)]
fn flags_v6<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Option<u8> {
    plain_v6(bytes, offset)?;
    tcp::flags(bytes, offset + Ipv6Hdr::LEN as u32)
}

#[inline(always)]
fn plain_v4<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Option<Ipv4Hdr> {
    let header: Ipv4Hdr = bytes.load(offset)?;
    is_plain_v4(&header).then_some(header)
}

#[inline(always)]
fn plain_v6<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Option<Ipv6Hdr> {
    let header: Ipv6Hdr = bytes.load(offset)?;
    is_plain_v6(&header).then_some(header)
}

#[inline(always)]
fn is_plain_v4(header: &Ipv4Hdr) -> bool {
    // Version and length of the header in words (RFC 791, section 3.1), in one comparison.
    header.vihl == 0x45
}

#[inline(always)]
fn is_plain_v6(header: &Ipv6Hdr) -> bool {
    ip::check_v6(header).is_ok() && header.next_hdr == ip::TCP
}
