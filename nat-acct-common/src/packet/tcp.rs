//! The TCP header: ports, numbers, flags and the length of the payload; and how many wire
//! segments a super-packet stands for.

use network_types::tcp::TcpHdr;

use super::{Bytes, Segment, Transport, Vlan, header};
use crate::layout::Cause;

/// The header without options, in the rows of its figure (RFC 9293, section 3.1), in network byte
/// order: ports; sequence number; acknowledgment number; data offset, control bits and window;
/// checksum and urgent pointer. From a structure, its fields would be read byte by byte in the
/// kernel.
pub(super) type Rows = [u32; 5];

const _: () = assert!(size_of::<Rows>() == TcpHdr::LEN);

/// The segment whose header is where the IP header says.
#[inline(always)]
pub(super) fn read<B: Bytes + ?Sized>(
    bytes: &B,
    transport: &Transport,
    vlan: Vlan,
    gso_size: u32,
) -> Result<Segment, Cause> {
    let rows = header(bytes, transport.offset)?;
    segment(rows, transport, vlan, gso_size)
}

/// The segment with this header.
#[inline(always)]
pub(super) fn segment(
    rows: Rows,
    transport: &Transport,
    vlan: Vlan,
    gso_size: u32,
) -> Result<Segment, Cause> {
    let [_, seq, ack, control, _] = rows;
    let [source_port, destination_port] = ports(rows);
    let [offset, flags, ..] = control.to_ne_bytes();
    let header_len = u32::from(offset >> 4) * 4;
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
        source_port,
        destination_port,
        seq: u32::from_be(seq),
        ack: u32::from_be(ack),
        flags,
        payload,
        ip_bytes: payload + packets * (transport.ip_header_len + header_len),
        packets,
    })
}

/// The ports of source and destination.
#[inline(always)]
pub(super) fn ports([ports, ..]: Rows) -> [u16; 2] {
    let ports = u32::from_be(ports);
    [(ports >> 16) as u16, ports as u16]
}

/// The control bits.
#[inline(always)]
pub(super) fn control_bits([_, _, _, control, _]: Rows) -> u8 {
    let [_, flags, ..] = control.to_ne_bytes();
    flags
}

/// The control bits of the header at `offset`, if it is whole.
#[inline(always)]
pub(super) fn flags<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Option<u8> {
    bytes.load(offset).map(control_bits)
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
