//! The plain frames, which nearly all are: Ethernet without a tag, an IP header without options or
//! extensions, TCP. Their headers have fixed places, which saves half of the time. Each step is one
//! of the whole parser's, and what is not plain is left to that.

use network_types::{
    eth::EthHdr,
    ip::{Ipv4Hdr, Ipv6Hdr},
};

use super::{Bytes, Frame, Link, Segment, ip, link, tcp};

const IP: u32 = EthHdr::LEN as u32;

/// The segment in a plain frame; `None` for one that is not plain, or no segment.
#[inline(always)]
pub fn parse_plain<B: Bytes + ?Sized>(bytes: &B, frame: &Frame) -> Option<Segment> {
    if frame.link != Link::Ethernet {
        return None;
    }
    let transport = match link::ether_type(bytes).ok()? {
        link::IPV4 => {
            let header: Ipv4Hdr = bytes.load(IP)?;
            if u32::from(header.ihl()) != Ipv4Hdr::LEN as u32 {
                return None;
            }
            ip::v4_transport(&header, IP, Ipv4Hdr::LEN as u32, frame.len).ok()?
        }
        link::IPV6 => {
            let header: Ipv6Hdr = bytes.load(IP)?;
            ip::check_v6(&header).ok()?;
            if header.next_hdr != ip::TCP {
                return None;
            }
            ip::v6_transport(&header, IP, IP + Ipv6Hdr::LEN as u32, frame.len).ok()?
        }
        _ => return None,
    };
    tcp::segment(bytes, &transport, frame.vlan, frame.gso_size).ok()
}
