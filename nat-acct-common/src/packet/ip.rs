//! The IP headers: addresses, the place of the TCP header, and the end of the datagram. Later
//! fragments carry no TCP header and are told apart; a first fragment is parsed.

use network_types::ip::{Ipv4Hdr, Ipv6Hdr};

use super::{Bytes, Transport};
use crate::layout::{Address, Cause};

/// The protocol number of TCP (RFC 9293, section 3.1).
pub(super) const TCP: u8 = 6;
/// The low 13 bits of flags and fragment offset (RFC 791, section 3.1).
const FRAGMENT_OFFSET_V4: u16 = 0x1fff;

// IPv6 extension headers (RFC 8200, section 4).
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;
/// The upper 13 bits of the fragment header's third and fourth byte (RFC 8200, section 4.5).
const FRAGMENT_OFFSET_V6: u16 = 0xfff8;
/// Length of the header with the jumbo payload option (RFC 2675, section 2). The kernel puts it before
/// a super-packet and takes it off when it cuts that (net/ipv6/ip6_offload.c, ipv6_gso_segment).
const JUMBO_LEN: u32 = 8;
/// Extension headers that are followed; RFC 8200 section 4.1 recommends at most one of each
/// kind, and destination options twice.
const MAX_EXTENSIONS: usize = 6;

#[inline(always)]
pub(super) fn v4<B: Bytes + ?Sized>(
    bytes: &B,
    offset: u32,
    frame_len: u32,
) -> Result<Transport, Cause> {
    let header: Ipv4Hdr = super::header(bytes, offset)?;
    check_v4(&header)?;
    v4_transport(&header, offset, u32::from(header.ihl()), frame_len)
}

/// Whether it is a header of version 4, with a TCP header behind it.
#[inline(always)]
pub(super) fn check_v4(header: &Ipv4Hdr) -> Result<(), Cause> {
    if header.version() != 4 || usize::from(header.ihl()) < Ipv4Hdr::LEN {
        return Err(Cause::BadHeader);
    }
    if header.proto != TCP {
        return Err(Cause::NotTcp);
    }
    if u16::from_be_bytes(header.frags) & FRAGMENT_OFFSET_V4 != 0 {
        return Err(Cause::LaterFragment);
    }
    Ok(())
}

/// What the header at `offset` says, which has `header_len` bytes by its own account.
#[inline(always)]
pub(super) fn v4_transport(
    header: &Ipv4Hdr,
    offset: u32,
    header_len: u32,
    frame_len: u32,
) -> Result<Transport, Cause> {
    Ok(Transport {
        source: Address::from_v4(header.src_addr),
        destination: Address::from_v4(header.dst_addr),
        ip_header_len: header_len,
        offset: offset + header_len,
        end: datagram_end(offset, u32::from(header.tot_len()), frame_len)?,
    })
}

#[inline(always)]
pub(super) fn v6<B: Bytes + ?Sized>(
    bytes: &B,
    offset: u32,
    frame_len: u32,
) -> Result<Transport, Cause> {
    let header: Ipv6Hdr = super::header(bytes, offset)?;
    check_v6(&header)?;
    let tcp_offset = skip_extensions(bytes, header.next_hdr, offset + Ipv6Hdr::LEN as u32)?;
    v6_transport(&header, offset, tcp_offset, frame_len)
}

/// Whether it is a header of version 6.
#[inline(always)]
pub(super) fn check_v6(header: &Ipv6Hdr) -> Result<(), Cause> {
    match header.vcf[0] >> 4 {
        6 => Ok(()),
        _ => Err(Cause::BadHeader),
    }
}

/// What the header at `offset` says, with the TCP header at `tcp_offset`.
#[inline(always)]
pub(super) fn v6_transport(
    header: &Ipv6Hdr,
    offset: u32,
    tcp_offset: u32,
    frame_len: u32,
) -> Result<Transport, Cause> {
    let (total, jumbo_len) = match u32::from(u16::from_be_bytes(header.payload_len)) {
        0 if header.next_hdr == HOP_BY_HOP => (0, JUMBO_LEN),
        0 => (0, 0),
        payload => (payload + Ipv6Hdr::LEN as u32, 0),
    };
    Ok(Transport {
        source: Address::from_v6(header.src_addr),
        destination: Address::from_v6(header.dst_addr),
        ip_header_len: tcp_offset - offset - jumbo_len,
        offset: tcp_offset,
        end: datagram_end(offset, total, frame_len)?,
    })
}

/// Where the datagram ends. A total of 0 is a BIG TCP super-packet, longer than the 16-bit field
/// can say (kernel: include/linux/ip.h, iph_totlen; for IPv6 a jumbo payload option): then the
/// frame tells. Otherwise the header does, for a short frame is padded (IEEE 802.3).
#[inline(always)]
fn datagram_end(offset: u32, total: u32, frame_len: u32) -> Result<u32, Cause> {
    if total == 0 {
        return Ok(frame_len);
    }
    let end = offset + total;
    if end > frame_len {
        return Err(Cause::BadHeader);
    }
    Ok(end)
}

/// Follows the extension headers from `offset` to the TCP header.
#[inline(always)]
fn skip_extensions<B: Bytes + ?Sized>(
    bytes: &B,
    mut next_header: u8,
    mut offset: u32,
) -> Result<u32, Cause> {
    for _ in 0..MAX_EXTENSIONS {
        if next_header == TCP {
            return Ok(offset);
        }
        let header: [u8; 4] = match next_header {
            HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION => super::header(bytes, offset)?,
            _ => return Err(Cause::NotTcp),
        };
        if next_header == FRAGMENT {
            if u16::from_be_bytes([header[2], header[3]]) & FRAGMENT_OFFSET_V6 != 0 {
                return Err(Cause::LaterFragment);
            }
            offset += 8;
        } else {
            offset += (u32::from(header[1]) + 1) * 8;
        }
        next_header = header[0];
    }
    if next_header == TCP {
        Ok(offset)
    } else {
        Err(Cause::ExtensionChain)
    }
}
