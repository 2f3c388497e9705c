//! Packets that were several on the wire. A capture on the gateway sees what segmentation offload
//! makes of them, up to 64 KiB and more, and does not say what it was made of.

use nat_acct_common::packet::Segment;

/// Counts a segment that is longer than `mtu` as so many full ones as it takes, and a rest.
#[inline]
pub(super) fn split(segment: &mut Segment, mtu: u32) {
    let header_bytes = segment.ip_bytes - segment.payload;
    if segment.ip_bytes <= mtu || mtu <= header_bytes {
        return;
    }
    segment.packets = segment.payload.div_ceil(mtu - header_bytes);
    // A damaged capture may say anything.
    let headers_bytes = segment.packets.saturating_mul(header_bytes);
    segment.ip_bytes = segment.payload.saturating_add(headers_bytes);
}
