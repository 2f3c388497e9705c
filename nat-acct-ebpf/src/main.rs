//! The TC programs: entry points only. What happens to a packet is in `nat_acct_common`: the
//! parser reads it through [`packet`], the flow step works on [`maps::Maps`].

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

mod maps;
mod object;
mod packet;

use aya_ebpf::{bindings::TC_ACT_UNSPEC, macros::classifier, programs::TcContext};
use nat_acct_common::{
    flow::{self, Runtime as _},
    layout::{Cause, Direction, Interfaces, Sender},
    packet::Segment,
};

use crate::maps::{INSIDE, MAPS, OUTSIDE};

/// Whatever happens, the packet goes on, and other TC programs see it.
const PASS: i32 = TC_ACT_UNSPEC;

/// From the client.
#[classifier]
pub fn inside_ingress(context: TcContext) -> i32 {
    inside(&context, Direction::Ingress, Sender::Client);
    PASS
}

/// To the client.
#[classifier]
pub fn inside_egress(context: TcContext) -> i32 {
    inside(&context, Direction::Egress, Sender::Remote);
    PASS
}

/// From the remote.
#[classifier]
pub fn outside_ingress(context: TcContext) -> i32 {
    outside(&context, Direction::Ingress, Sender::Remote);
    PASS
}

/// To the remote.
#[classifier]
pub fn outside_egress(context: TcContext) -> i32 {
    outside(&context, Direction::Egress, Sender::Client);
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
fn inside(context: &TcContext, direction: Direction, sender: Sender) {
    match segment(context, INSIDE, direction) {
        Ok((segment, interface)) => flow::inside(&MAPS, &segment, sender, interface),
        Err(cause) => ignore(context, cause),
    }
}

#[inline(always)]
fn outside(context: &TcContext, direction: Direction, sender: Sender) {
    match segment(context, OUTSIDE, direction) {
        Ok((segment, interface)) => flow::outside(&MAPS, &segment, sender, interface as u16),
        Err(cause) => ignore(context, cause),
    }
}

/// The packet as a segment, and the number of its interface.
#[inline(always)]
fn segment(context: &TcContext, side: u32, direction: Direction) -> Result<(Segment, u32), Cause> {
    let interfaces: &Interfaces = maps::interfaces(side).ok_or(Cause::Inconsistent)?;
    let (number, interface) = interfaces
        .find(packet::interface_index(context))
        .ok_or(Cause::UnknownInterface)?;
    interface.runs(direction, MAPS.ticks());
    if direction == Direction::Ingress
        && packet::is_for_another_host(context)
        && !interface.serves_others()
    {
        return Err(Cause::OtherHost);
    }
    // The program for the inside is before whatever redirects, so it has seen the packet.
    if side == INSIDE
        && direction == Direction::Egress
        && interfaces.is_ifb(packet::came_by(context))
    {
        return Err(Cause::Redirected);
    }
    Ok((packet::segment(context, interface.link())?, number))
}

#[inline(always)]
fn ignore(context: &TcContext, cause: Cause) {
    MAPS.count(cause);
    aya_log_ebpf::trace!(context, "ignored a packet for cause {}", cause as u32);
}

#[cfg(not(target_arch = "bpf"))]
fn main() {}
