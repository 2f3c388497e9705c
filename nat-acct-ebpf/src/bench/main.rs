//! Programs for `cargo xtask bench kernel`; no agent loads them. Each `draw_*` writes the address
//! and port of another connection into the packet, and goes on to the program that is measured:
//! one of nat-acct's own object, or [`empty`], or [`textbook`].

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

mod in_bucket;
mod least;
mod lives;
#[path = "../object.rs"]
mod object;
mod per_cpu;
mod plan;
mod textbook;

use core::{mem, ptr};

use aya_ebpf::{
    bindings::TC_ACT_UNSPEC,
    macros::{classifier, map},
    maps::ProgramArray,
    programs::TcContext,
};

use crate::plan::Drawn;

/// The program that is measured.
#[map]
static MEASURED: ProgramArray = ProgramArray::with_max_entries(1, 0);

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const IPV6: usize = 40;

/// Segments of a client, over IPv4.
#[classifier]
pub fn draw_client(context: TcContext) -> i32 {
    draw(&context, |drawn| {
        write(&context, ETHERNET + 12, drawn.address.to_be());
        write_tcp(&context, ETHERNET + IPV4, drawn.client_ports(), drawn);
    })
}

/// Segments for a client, over IPv4.
#[classifier]
pub fn draw_remote(context: TcContext) -> i32 {
    draw(&context, |drawn| {
        write(&context, ETHERNET + 16, drawn.address.to_be());
        write_tcp(&context, ETHERNET + IPV4, drawn.remote_ports(), drawn);
    })
}

/// Segments of a client, over IPv6.
#[classifier]
pub fn draw_client6(context: TcContext) -> i32 {
    draw(&context, |drawn| {
        write(&context, ETHERNET + 16, u64::from(drawn.address).to_be());
        write_tcp(&context, ETHERNET + IPV6, drawn.client_ports(), drawn);
    })
}

/// Segments for a client, over IPv6.
#[classifier]
pub fn draw_remote6(context: TcContext) -> i32 {
    draw(&context, |drawn| {
        write(&context, ETHERNET + 32, u64::from(drawn.address).to_be());
        write_tcp(&context, ETHERNET + IPV6, drawn.remote_ports(), drawn);
    })
}

/// Does nothing: what is left is the cost of drawing.
#[classifier]
pub fn empty(_context: TcContext) -> i32 {
    TC_ACT_UNSPEC
}

/// Counts as text books do it.
#[classifier]
pub fn textbook(context: TcContext) -> i32 {
    textbook::count(&context);
    TC_ACT_UNSPEC
}

/// Notes openings and endings as text books do: of segments of clients on the inside.
#[classifier]
pub fn lives_inside_ingress(context: TcContext) -> i32 {
    lives::inside(&context, true);
    TC_ACT_UNSPEC
}

/// The same of segments of remotes.
#[classifier]
pub fn lives_inside_egress(context: TcContext) -> i32 {
    lives::inside(&context, false);
    TC_ACT_UNSPEC
}

/// The same of segments of clients on the outside.
#[classifier]
pub fn lives_outside_egress(context: TcContext) -> i32 {
    lives::outside(&context);
    TC_ACT_UNSPEC
}

/// The same of segments of remotes.
#[classifier]
pub fn lives_outside_ingress(context: TcContext) -> i32 {
    lives::outside(&context);
    TC_ACT_UNSPEC
}

/// The least that openings and endings take: of segments of clients on the inside.
#[classifier]
pub fn least_inside_ingress(context: TcContext) -> i32 {
    least::inside(&context, true);
    TC_ACT_UNSPEC
}

/// The same of segments of remotes.
#[classifier]
pub fn least_inside_egress(context: TcContext) -> i32 {
    least::inside(&context, false);
    TC_ACT_UNSPEC
}

/// The same of segments of clients on the outside.
#[classifier]
pub fn least_outside_egress(context: TcContext) -> i32 {
    least::outside(&context);
    TC_ACT_UNSPEC
}

/// The same of segments of remotes.
#[classifier]
pub fn least_outside_ingress(context: TcContext) -> i32 {
    least::outside(&context);
    TC_ACT_UNSPEC
}

/// Counts in the table itself.
#[classifier]
pub fn in_bucket(context: TcContext) -> i32 {
    in_bucket::count(&context);
    TC_ACT_UNSPEC
}

/// Counts for each processor, by place in the table.
#[classifier]
pub fn per_cpu(context: TcContext) -> i32 {
    per_cpu::count(&context);
    TC_ACT_UNSPEC
}

#[inline(always)]
fn draw(context: &TcContext, write: impl FnOnce(&Drawn)) -> i32 {
    if let Some(drawn) = plan::next() {
        write(&drawn);
    }
    // SAFETY: the array has one element, and a call that fails returns.
    let _ = unsafe { MEASURED.tail_call(context, 0) };
    TC_ACT_UNSPEC
}

/// Writes ports and sequence number of a TCP header.
#[inline(always)]
fn write_tcp(context: &TcContext, offset: usize, ports: u32, drawn: &Drawn) {
    write(context, offset, ports.to_be());
    write(context, offset + 4, drawn.seq.to_be());
}

/// Writes a word in one piece, as wide as it will be read: a processor that has to put what it
/// reads together from several writes is slow, and that would be no packet's fault.
#[inline(always)]
fn write<T>(context: &TcContext, offset: usize, word: T) {
    let start = context.data() + offset;
    if start + mem::size_of::<T>() <= context.data_end() {
        // SAFETY: within the packet, by the line above; the machines that this is measured on
        // write words wherever they are.
        unsafe { ptr::write(start as *mut T, word) };
    }
}

#[cfg(not(target_arch = "bpf"))]
fn main() {}
