//! Packet memory. Headers are read where they are; if they are not in the linear part of the skb,
//! the front of the packet is copied and read there.

use core::{
    hint,
    mem::{self, MaybeUninit},
    ptr,
};

use aya_ebpf::{bindings::__sk_buff, helpers::bpf_skb_load_bytes, programs::TcContext};
use nat_acct_common::{
    layout::Cause,
    packet::{self, Bytes, Frame, Header, Link, Segment, Vlan},
};

use network_types::eth::EthHdr;

use crate::maps::{self, FRONT_BYTES, Front};

/// The segment in the packet that a program was called for, if that is a plain frame with IPv4.
#[inline(always)]
pub fn plain_v4_segment(context: &TcContext) -> Option<Segment> {
    packet::parse_plain_v4(&Linear(context.skb.skb), &frame(context, Link::Ethernet))
}

/// The same of IPv6.
#[inline(always)]
pub fn plain_v6_segment(context: &TcContext) -> Option<Segment> {
    packet::parse_plain_v6(&Linear(context.skb.skb), &frame(context, Link::Ethernet))
}

/// Whether the packet that a program was called for is a plain one that opens no connection.
#[inline(always)]
pub fn plainly_opens_nothing(context: &TcContext, link: Link) -> bool {
    packet::plainly_opens_nothing(&Linear(context.skb.skb), link)
}

/// The segment in the packet that a program was called for. Not inlined: it is rarely needed, and
/// its stack is wanted for other things afterwards.
#[inline(never)]
pub fn segment(context: &TcContext, link: Link) -> Result<Segment, Cause> {
    let frame = frame(context, link);
    match packet::parse_any(&Linear(context.skb.skb), &frame) {
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

#[inline(always)]
fn frame(context: &TcContext, link: Link) -> Frame {
    // SAFETY: the context is the kernel's for the whole call.
    let gso_size = unsafe { (*context.skb.skb).gso_size };
    Frame {
        link,
        len: context.len(),
        vlan: vlan(context),
        gso_size,
    }
}

/// By the tag that the kernel has taken off the packet.
#[inline(always)]
fn vlan(context: &TcContext) -> Vlan {
    let skb = context.skb.skb;
    // SAFETY: the context is the kernel's for the whole call.
    let control = unsafe {
        // Before Linux 6.2 the control information outlives the tag.
        if ptr::read_volatile(&raw const (*skb).vlan_present) == 0 {
            return Vlan::NONE;
        }
        ptr::read_volatile(&raw const (*skb).vlan_tci)
    };
    Vlan::NONE.tagged(control as u16)
}

/// The linear part of the packet.
struct Linear(*const __sk_buff);

impl Linear {
    /// Where it begins and ends. The reads are volatile, lest the compiler calculates with the end,
    /// which the verifier forbids.
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

impl Bytes for Linear {
    #[inline(always)]
    fn load<T: Header>(&self, offset: u32) -> Option<T> {
        let (data, data_end) = self.bounds();
        let start = data + offset as usize;
        if start + mem::size_of::<T>() > data_end {
            return None;
        }
        // SAFETY: the lines above prove to us, and to the verifier, that the bytes are within the
        // packet; `Header` allows any value of them.
        Some(unsafe { read(start as *const T) })
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
    fn load<T: Header>(&self, offset: u32) -> Option<T> {
        let size = mem::size_of::<T>();
        let offset = hint::black_box(offset as usize);
        // The second condition is the verifier's: it knows the size of the buffer only.
        if offset + size > self.frame_len as usize || offset > FRONT_BYTES as usize - size {
            return None;
        }
        // SAFETY: within the buffer, by the lines above; `Header` allows any value of the bytes.
        Some(unsafe { read(self.front.cast::<u8>().add(offset).cast()) })
    }
}

/// Reads a header in words of four bytes instead of single ones, and in one of two before them if it has
/// that many: so the words behind an Ethernet header are as aligned as the kernel makes them (NET_IP_ALIGN
/// of include/linux/skbuff.h). The verifier refuses others on machines that cannot read them.
///
/// # Safety
///
/// `header` must point to the bytes of a `T`, whose number is even.
#[inline(always)]
unsafe fn read<T: Header>(header: *const T) -> T {
    const { assert!(mem::size_of::<T>().is_multiple_of(2)) };
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: by the caller, and `value` has room for a `T`.
    unsafe {
        let (from, to) = (header.cast::<u8>(), value.as_mut_ptr().cast::<u8>());
        let mut at = 0;
        if !mem::size_of::<T>().is_multiple_of(4) {
            copy_word::<u16>(from, to);
            at = 2;
        }
        while at < mem::size_of::<T>() {
            copy_word::<u32>(from.add(at), to.add(at));
            at += 4;
        }
        value.assume_init()
    }
}

/// # Safety
///
/// Both must point to the bytes of a word.
#[inline(always)]
unsafe fn copy_word<Word>(from: *const u8, to: *mut u8) {
    // SAFETY: by the caller.
    unsafe {
        to.cast::<Word>()
            .write_unaligned(from.cast::<Word>().read())
    }
}
