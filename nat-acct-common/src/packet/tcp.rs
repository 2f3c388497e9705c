//! The TCP header: ports, numbers, flags and the length of the payload; and how many wire
//! segments a super-packet stands for.

use core::mem::offset_of;

use network_types::tcp::TcpHdr;

use super::{Bytes, Segment, Transport, Vlan};
use crate::layout::Cause;

/// Place of the data offset and, after it, of the control bits (RFC 9293, section 3.1).
const DATA_OFFSET: u32 = offset_of!(TcpHdr, _bitfield_1) as u32;

#[inline(always)]
pub(super) fn segment<B: Bytes + ?Sized>(
    bytes: &B,
    transport: &Transport,
    vlan: Vlan,
    gso_size: u32,
) -> Result<Segment, Cause> {
    let header: TcpHdr = super::header(bytes, transport.offset)?;
    let [offset_byte, flags]: [u8; 2] = super::header(bytes, transport.offset + DATA_OFFSET)?;
    let header_len = u32::from(offset_byte >> 4) * 4;
    let payload_offset = transport.offset + header_len;
    if header_len < TcpHdr::LEN as u32 || payload_offset > transport.end {
        return Err(Cause::BadHeader);
    }
    let payload = transport.end - payload_offset;
    let packets = wire_segments(payload, gso_size);
    Ok(Segment {
        vlan,
        source: transport.source,
        destination: transport.destination,
        source_port: u16::from_be_bytes(header.source),
        destination_port: u16::from_be_bytes(header.dest),
        seq: u32::from_be_bytes(header.seq),
        ack: u32::from_be_bytes(header.ack_seq),
        flags,
        payload,
        ip_bytes: payload + packets * (transport.ip_header_len + header_len),
        packets,
    })
}

/// Wire segments of a packet. The kernel's own count (`gso_segs`) is 0 for super-packets from a
/// guest (SKB_GSO_DODGY), so it is calculated.
#[inline(always)]
fn wire_segments(payload: u32, gso_size: u32) -> u32 {
    if gso_size == 0 || payload <= gso_size {
        1
    } else {
        payload.div_ceil(gso_size)
    }
}
