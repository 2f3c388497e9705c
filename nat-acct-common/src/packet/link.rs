//! From the start of the frame to the IP header: Ethernet with any VLAN tags that are in the
//! packet, PPPoE sessions, and devices without a link-layer header.

use core::mem::offset_of;

use network_types::{eth::EthHdr, vlan::VlanHdr};

use super::{Bytes, header};
use crate::layout::Cause;

/// What a frame starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Link {
    /// An Ethernet header (ARPHRD_ETHER).
    Ethernet = 0,
    /// The IP header itself: tun, ppp, wireguard, ipip.
    Ip = 1,
}

/// The network protocols that carry TCP.
pub(super) enum Protocol {
    Ipv4,
    Ipv6,
}

// IEEE 802 numbers, as in the kernel's include/uapi/linux/if_ether.h.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const QINQ: u16 = 0x88a8;
const QINQ_OLD: u16 = 0x9100;
const PPPOE_SESSION: u16 = 0x8864;

// PPP protocol numbers (RFC 1332, RFC 5072).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

const ETHER_TYPE: u32 = offset_of!(EthHdr, ether_type) as u32;
const TAG_ETHER_TYPE: u32 = offset_of!(VlanHdr, ether_type) as u32;
/// PPPoE header without the PPP protocol (RFC 2516, section 4).
const PPPOE_HEADER: u32 = 6;
/// Tags that are followed: QinQ is two, a third is seen in provider networks.
const MAX_TAGS: usize = 3;

/// Finds the IP header: which version, and its offset.
#[inline(always)]
pub(super) fn network_header<B: Bytes + ?Sized>(
    bytes: &B,
    link: Link,
) -> Result<(Protocol, u32), Cause> {
    match link {
        Link::Ethernet => ethernet(bytes),
        Link::Ip => by_version(bytes),
    }
}

#[inline(always)]
fn ethernet<B: Bytes + ?Sized>(bytes: &B) -> Result<(Protocol, u32), Cause> {
    let mut ether_type = number(bytes, ETHER_TYPE)?;
    let mut offset = EthHdr::LEN as u32;
    for _ in 0..MAX_TAGS {
        if !matches!(ether_type, VLAN | QINQ | QINQ_OLD) {
            break;
        }
        ether_type = number(bytes, offset + TAG_ETHER_TYPE)?;
        offset += VlanHdr::LEN as u32;
    }
    match ether_type {
        IPV4 => Ok((Protocol::Ipv4, offset)),
        IPV6 => Ok((Protocol::Ipv6, offset)),
        PPPOE_SESSION => pppoe(bytes, offset),
        _ => Err(Cause::NotIp),
    }
}

#[inline(always)]
fn pppoe<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Result<(Protocol, u32), Cause> {
    let inner = offset + PPPOE_HEADER + 2;
    match number(bytes, offset + PPPOE_HEADER)? {
        PPP_IPV4 => Ok((Protocol::Ipv4, inner)),
        PPP_IPV6 => Ok((Protocol::Ipv6, inner)),
        _ => Err(Cause::NotIp),
    }
}

#[inline(always)]
fn by_version<B: Bytes + ?Sized>(bytes: &B) -> Result<(Protocol, u32), Cause> {
    // Two bytes, because the verifier does not follow a bounds check of one.
    let [first, _]: [u8; 2] = header(bytes, 0)?;
    match first >> 4 {
        4 => Ok((Protocol::Ipv4, 0)),
        6 => Ok((Protocol::Ipv6, 0)),
        _ => Err(Cause::NotIp),
    }
}

/// The big-endian number at `offset`.
#[inline(always)]
fn number<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Result<u16, Cause> {
    header(bytes, offset).map(u16::from_be_bytes)
}
