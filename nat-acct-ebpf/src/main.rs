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
    layout::{Cause, Direction, Properties, Sender},
    packet::{Link, plain_v4, plain_v6},
};

use crate::maps::{INSIDE, MAPS, OUTSIDE};

/// Whatever happens, the packet goes on, and other TC programs see it.
const PASS: i32 = TC_ACT_UNSPEC;

/// From the client.
#[classifier]
pub fn inside_ingress(context: TcContext) -> i32 {
    see_inside(&context, Direction::Ingress, Sender::Client);
    PASS
}

/// To the client.
#[classifier]
pub fn inside_egress(context: TcContext) -> i32 {
    see_inside(&context, Direction::Egress, Sender::Remote);
    PASS
}

/// From the remote.
#[classifier]
pub fn outside_ingress(context: TcContext) -> i32 {
    see_outside(&context, Direction::Ingress, Sender::Remote);
    PASS
}

/// To the remote.
#[classifier]
pub fn outside_egress(context: TcContext) -> i32 {
    see_outside(&context, Direction::Egress, Sender::Client);
    PASS
}

/// Writes down both clocks at one moment, so that user space can compare them. Run by hand, never
/// attached.
#[classifier]
pub fn compare_clocks(_context: TcContext) -> i32 {
    maps::compare_clocks();
    PASS
}

/// Takes over from user space which interfaces there are, and tells it when each program last ran. Run by
/// hand, never attached.
#[classifier]
pub fn exchange_interfaces(_context: TcContext) -> i32 {
    maps::exchange_interfaces();
    PASS
}

/// Gives free what the connections had whose slots user space has written down. Run by hand, never
/// attached.
#[classifier]
pub fn release(_context: TcContext) -> i32 {
    maps::release();
    PASS
}

/// Has the flow step take the segment in the packet.
#[inline(always)]
fn see_inside(context: &TcContext, direction: Direction, sender: Sender) {
    let interface = match interface(context, INSIDE, direction) {
        Ok(interface) => interface,
        Err(cause) => return ignore(context, cause),
    };
    let (number, link) = (interface.number(), interface.link());
    if link == Link::Ethernet && count_if_plain(context, sender, number) {
        return;
    }
    match &packet::segment(context, link) {
        Ok(segment) => flow::inside(&MAPS, segment, sender, number),
        Err(cause) => ignore(context, *cause),
    }
}

/// The same on the outside, where nearly all packets are of no interest.
#[inline(always)]
fn see_outside(context: &TcContext, direction: Direction, sender: Sender) {
    let interface = match interface(context, OUTSIDE, direction) {
        Ok(interface) => interface,
        Err(cause) => return ignore(context, cause),
    };
    let link = interface.link();
    if packet::plainly_opens_nothing(context, link) {
        return;
    }
    match &packet::segment(context, link) {
        Ok(segment) => flow::outside(&MAPS, segment, sender, interface.number() as u16),
        Err(cause) => ignore(context, *cause),
    }
}

/// Has the flow step take the segment in a plain frame, of either family by itself, so that it need not
/// be in memory. `false` for one that needs more; then nothing was done.
#[inline(always)]
fn count_if_plain(context: &TcContext, sender: Sender, number: u32) -> bool {
    let skb = packet::skb(context);
    if let Some(segment) = plain_v4(&skb, &skb)
        && flow::inside_at_once(&MAPS, &segment, sender, number)
    {
        return true;
    }
    plain_v6(&skb, &skb)
        .is_some_and(|segment| flow::inside_at_once(&MAPS, &segment, sender, number))
}

/// What is known of the packet's interface.
#[inline(always)]
fn interface(context: &TcContext, side: usize, direction: Direction) -> Result<Properties, Cause> {
    let interfaces = maps::interfaces(side);
    let interface = interfaces
        .find(packet::interface_index(context))
        .ok_or(Cause::UnknownInterface)?;
    interface.runs(direction, MAPS.ticks());
    let properties = interface.properties();
    if direction == Direction::Ingress
        && packet::is_for_another_host(context)
        && !properties.serves_others()
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
    Ok(properties)
}

#[inline(always)]
fn ignore(context: &TcContext, cause: Cause) {
    MAPS.count(cause);
    aya_log_ebpf::trace!(context, "ignored a packet for cause {}", cause as u32);
}

#[cfg(not(target_arch = "bpf"))]
fn main() {}
