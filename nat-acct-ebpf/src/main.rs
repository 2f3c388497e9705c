//! The TC programs: entry points only. What happens to a packet is in `nat_acct_common`: the
//! parser reads it through [`packet`], the flow step works on [`maps::Maps`].

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

mod maps;
mod packet;

use aya_ebpf::{bindings::TC_ACT_UNSPEC, macros::classifier, programs::TcContext};
use nat_acct_common::{
    flow::{self, Runtime as _},
    layout::{Cause, Interfaces, Sender},
    packet::Segment,
};

use crate::maps::{INSIDE, MAPS, OUTSIDE};

/// Whatever happens, the packet goes on, and other TC programs see it.
const PASS: i32 = TC_ACT_UNSPEC;

/// From the client.
#[classifier]
pub fn inside_ingress(context: TcContext) -> i32 {
    inside(&context, Sender::Client);
    PASS
}

/// To the client.
#[classifier]
pub fn inside_egress(context: TcContext) -> i32 {
    inside(&context, Sender::Remote);
    PASS
}

/// From the remote.
#[classifier]
pub fn outside_ingress(context: TcContext) -> i32 {
    outside(&context, Sender::Remote);
    PASS
}

/// To the remote.
#[classifier]
pub fn outside_egress(context: TcContext) -> i32 {
    outside(&context, Sender::Client);
    PASS
}

/// Writes down both clocks at one moment, so that user space can compare them. Run by hand, never
/// attached.
#[classifier]
pub fn compare_clocks(_context: TcContext) -> i32 {
    maps::compare_clocks();
    PASS
}

#[inline(always)]
fn inside(context: &TcContext, sender: Sender) {
    match segment(context, INSIDE) {
        Ok((segment, zone)) => flow::inside(&MAPS, &segment, sender, zone),
        Err(cause) => ignore(context, cause),
    }
}

#[inline(always)]
fn outside(context: &TcContext, sender: Sender) {
    match segment(context, OUTSIDE) {
        Ok((segment, zone)) => flow::outside(&MAPS, &segment, sender, zone as u16),
        Err(cause) => ignore(context, cause),
    }
}

/// The packet as a segment, and the zone of its interface.
#[inline(always)]
fn segment(context: &TcContext, side: u32) -> Result<(Segment, u32), Cause> {
    let interfaces: &Interfaces = maps::interfaces(side).ok_or(Cause::Inconsistent)?;
    let (zone, link) = interfaces
        .find(packet::interface_index(context))
        .ok_or(Cause::UnknownInterface)?;
    Ok((packet::segment(context, link)?, zone))
}

#[inline(always)]
fn ignore(context: &TcContext, cause: Cause) {
    MAPS.count(cause);
    aya_log_ebpf::trace!(context, "ignored a packet for cause {}", cause as u32);
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel lets GPL-only helpers be called; the licence of the source is in its manifest.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(target_arch = "bpf"))]
fn main() {}
