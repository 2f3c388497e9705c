//! Packet memory. Headers are read where they are; if they are not in the linear part of the skb,
//! the front of the packet is copied and read there.

use core::{hint, mem, ptr};

use aya_ebpf::{bindings::__sk_buff, helpers::bpf_skb_load_bytes, programs::TcContext};
use nat_acct_common::{
    layout::Cause,
    packet::{self, Bytes, Found, Frame, Header, Link, Metadata, Segment, Vlan},
};

use network_types::eth::EthHdr;

use crate::maps::{self, FRONT_BYTES, Front};

/// The packet that a program was called for.
#[inline(always)]
pub fn skb(context: &TcContext) -> Skb {
    Skb(context.skb.skb)
}

/// Whether the packet that a program was called for is a plain one that opens no connection.
#[inline(always)]
pub fn plainly_opens_nothing(context: &TcContext, link: Link) -> bool {
    packet::plainly_opens_nothing(&skb(context), link)
}

/// The segment in the packet that a program was called for. Not inlined: it is rarely needed, and
/// its stack is wanted for other things afterwards.
#[inline(never)]
pub fn segment(context: &TcContext, link: Link) -> Result<Segment, Cause> {
    let skb = skb(context);
    let frame = Frame {
        link,
        len: skb.frame_len(),
        vlan: skb.vlan(),
        gso_size: skb.gso_size(),
    };
    match packet::parse_any(&skb, &frame) {
        Err(Cause::Truncated) => copied_segment(context, &frame),
        result => result,
    }
}

/// The kernel's number of the interface that the program is attached to.
#[inline(always)]
pub fn interface_index(context: &TcContext) -> u32 {
    // SAFETY: the context is the kernel's for the whole call.
    unsafe { (*context.skb.skb).ifindex }
}

/// The kernel's number of the interface by which the packet came in, or of the ifb device that it
/// was redirected to (kernel: drivers/net/ifb.c, ifb_ri_tasklet); 0 for one of the gateway's own.
#[inline(always)]
pub fn came_by(context: &TcContext) -> u32 {
    // SAFETY: the context is the kernel's for the whole call.
    unsafe { (*context.skb.skb).ingress_ifindex }
}

/// Whether the frame was addressed to another host (`PACKET_OTHERHOST` of
/// include/uapi/linux/if_packet.h): the IP stack would drop it (kernel: net/ipv4/ip_input.c,
/// ip_rcv_core).
#[inline(always)]
pub fn is_for_another_host(context: &TcContext) -> bool {
    const OTHER_HOST: u32 = 3;
    // SAFETY: the context is the kernel's for the whole call.
    unsafe { (*context.skb.skb).pkt_type == OTHER_HOST }
}

/// The kernel's description of a packet, with the linear part of its bytes.
pub struct Skb(*const __sk_buff);

impl Skb {
    /// Where the linear part begins and ends. The reads are volatile, lest the compiler calculates with
    /// the end, which the verifier forbids.
    #[inline(always)]
    fn bounds(&self) -> (usize, usize) {
        // SAFETY: the context is the kernel's for the whole call.
        unsafe {
            let data = ptr::read_volatile(&raw const (*self.0).data);
            let data_end = ptr::read_volatile(&raw const (*self.0).data_end);
            (data as usize, data_end as usize)
        }
    }
}

impl Metadata for Skb {
    #[inline(always)]
    fn frame_len(&self) -> u32 {
        // SAFETY: the context is the kernel's for the whole call.
        unsafe { (*self.0).len }
    }

    /// By the tag that the kernel has taken off the packet.
    #[inline(always)]
    fn vlan(&self) -> Vlan {
        // SAFETY: the context is the kernel's for the whole call.
        let control = unsafe { ptr::read_volatile(&raw const (*self.0).vlan_tci) };
        let vlan = Vlan::NONE.tagged(control as u16);
        // Before Linux 6.2 the control information outlives the tag.
        // SAFETY: the same.
        if vlan != Vlan::NONE
            && unsafe { ptr::read_volatile(&raw const (*self.0).vlan_present) } == 0
        {
            return Vlan::NONE;
        }
        vlan
    }

    #[inline(always)]
    fn gso_size(&self) -> u32 {
        // SAFETY: the context is the kernel's for the whole call.
        unsafe { (*self.0).gso_size }
    }
}

impl Bytes for Skb {
    #[inline(always)]
    fn find<T: Header>(&self, offset: u32) -> Option<Found<'_, T>> {
        let (data, data_end) = self.bounds();
        let start = data + offset as usize;
        if start + mem::size_of::<T>() > data_end {
            return None;
        }
        // SAFETY: the lines above prove to us, and to the verifier, that the bytes are within the
        // packet.
        Some(unsafe { Found::new(start as *const T) })
    }
}

#[inline(always)]
fn copied_segment(context: &TcContext, frame: &Frame) -> Result<Segment, Cause> {
    let front = maps::front().ok_or(Cause::Inconsistent)?;
    // Old verifiers learn of a length from comparisons of 64 bits, which the box keeps, and before Linux
    // 6.8 not from one with 0 that it is not 0.
    let len = hint::black_box(u64::from(frame.len));
    if len < EthHdr::LEN as u64 {
        return Err(Cause::Truncated);
    }
    let len = len.min(u64::from(FRONT_BYTES)) as u32;
    // SAFETY: the buffer is this processor's and has `FRONT_BYTES` bytes.
    let result = unsafe { bpf_skb_load_bytes(context.skb.skb.cast(), 0, front.cast(), len) };
    if result != 0 {
        return Err(Cause::Truncated);
    }
    let frame_len = frame.len;
    packet::parse_any(&Copied { front, frame_len }, frame)
}

/// A copy of the packet's front.
struct Copied {
    front: *const Front,
    frame_len: u32,
}

impl Bytes for Copied {
    #[inline(always)]
    fn find<T: Header>(&self, offset: u32) -> Option<Found<'_, T>> {
        let size = mem::size_of::<T>();
        let offset = hint::black_box(offset as usize);
        // The second condition is the verifier's: it knows the size of the buffer only.
        if offset + size > self.frame_len as usize || offset > FRONT_BYTES as usize - size {
            return None;
        }
        // SAFETY: within the buffer, by the lines above.
        Some(unsafe { Found::new(self.front.cast::<u8>().add(offset).cast()) })
    }
}
