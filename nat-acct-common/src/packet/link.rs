//! From the start of the frame to the IP header: Ethernet with any VLAN tags that are in the
//! packet, PPPoE sessions, and devices without a link-layer header.

use core::mem::offset_of;

use network_types::{eth::EthHdr, vlan::VlanHdr};

use super::{Bytes, Frame, Vlan, header};
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
pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const QINQ: u16 = 0x88a8;
const QINQ_OLD: u16 = 0x9100;
const PPPOE_SESSION: u16 = 0x8864;

// PPP protocol numbers (RFC 1332, RFC 5072).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

pub(super) const ETHER_TYPE: u32 = offset_of!(EthHdr, ether_type) as u32;
const TAG_ETHER_TYPE: u32 = offset_of!(VlanHdr, ether_type) as u32;
/// PPPoE header without the PPP protocol (RFC 2516, section 4).
const PPPOE_HEADER: u32 = 6;
/// The PPP protocol (RFC 1661, section 2), which follows.
const PPP_HEADER: u32 = 2;
/// Tags that are followed: QinQ is two, a third is seen in provider networks.
const MAX_TAGS: usize = 3;

/// What the link layer says.
pub(super) struct Network {
    pub(super) protocol: Protocol,
    /// Of the IP header, from the start of the frame.
    pub(super) offset: u32,
    pub(super) vlan: Vlan,
}

/// Finds the IP header.
#[inline(always)]
pub(super) fn network<B: Bytes + ?Sized>(bytes: &B, frame: &Frame) -> Result<Network, Cause> {
    match frame.link {
        Link::Ethernet => ethernet(bytes, frame.vlan),
        Link::Ip => by_version(bytes),
    }
}

/// What follows the Ethernet header.
#[inline(always)]
pub(super) fn ether_type<B: Bytes + ?Sized>(bytes: &B) -> Result<u16, Cause> {
    number(bytes, ETHER_TYPE)
}

#[inline(always)]
fn ethernet<B: Bytes + ?Sized>(bytes: &B, mut vlan: Vlan) -> Result<Network, Cause> {
    let mut ether_type = ether_type(bytes)?;
    let mut offset = EthHdr::LEN as u32;
    for _ in 0..MAX_TAGS {
        if !matches!(ether_type, VLAN | QINQ | QINQ_OLD) {
            break;
        }
        vlan = vlan.tagged(number(bytes, offset)?);
        ether_type = number(bytes, offset + TAG_ETHER_TYPE)?;
        offset += VlanHdr::LEN as u32;
    }
    let protocol = match ether_type {
        IPV4 => Protocol::Ipv4,
        IPV6 => Protocol::Ipv6,
        PPPOE_SESSION => {
            let protocol = ppp(number(bytes, offset + PPPOE_HEADER)?)?;
            offset += PPPOE_HEADER + PPP_HEADER;
            protocol
        }
        _ => return Err(Cause::NotIp),
    };
    Ok(Network {
        protocol,
        offset,
        vlan,
    })
}

#[inline(always)]
fn ppp(protocol: u16) -> Result<Protocol, Cause> {
    match protocol {
        PPP_IPV4 => Ok(Protocol::Ipv4),
        PPP_IPV6 => Ok(Protocol::Ipv6),
        _ => Err(Cause::NotIp),
    }
}

#[inline(always)]
fn by_version<B: Bytes + ?Sized>(bytes: &B) -> Result<Network, Cause> {
    // Two bytes, because the verifier does not follow a bounds check of one.
    let [first, _]: [u8; 2] = header(bytes, 0)?;
    let protocol = match first >> 4 {
        4 => Protocol::Ipv4,
        6 => Protocol::Ipv6,
        _ => return Err(Cause::NotIp),
    };
    Ok(Network {
        protocol,
        offset: 0,
        vlan: Vlan::NONE,
    })
}

/// The big-endian number at `offset`.
#[inline(always)]
fn number<B: Bytes + ?Sized>(bytes: &B, offset: u32) -> Result<u16, Cause> {
    header(bytes, offset).map(u16::from_be_bytes)
}
