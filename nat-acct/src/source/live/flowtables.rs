//! The flowtables of nftables, which forward established connections past most of the stack.
//!
//! In software that happens behind TC ingress of the flowtable's device, and goes out by TC egress
//! (kernel: net/core/dev.c, __netif_receive_skb_core; net/netfilter/nf_flow_table_ip.c), so a
//! flowtable over the interfaces themselves changes nothing. One over what is below them, such as
//! the ports of a bridge, goes past the bridge (since Linux 5.13), and one in hardware past
//! everything. An opening is never in a flowtable, so the outside, where only openings are looked
//! at, is not concerned.

use crate::netlink::{self, Attributes, Family, Message, text};

use super::links::Links;

/// `struct nfgenmsg`: family, version, resource.
const HEADER_BYTES: usize = 4;
// Numbers of include/uapi/linux/netfilter/nfnetlink.h and nf_tables.h.
const NFT_MSG_GETFLOWTABLE: u16 = 10 << 8 | 23;
const NFTA_FLOWTABLE_TABLE: u16 = 1;
const NFTA_FLOWTABLE_NAME: u16 = 2;
const NFTA_FLOWTABLE_HOOK: u16 = 3;
const NFTA_FLOWTABLE_FLAGS: u16 = 7;
const NFTA_FLOWTABLE_HOOK_DEVS: u16 = 3;
const NFT_FLOWTABLE_HW_OFFLOAD: u32 = 1;

/// A flowtable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flowtable {
    /// Its table and its own name.
    pub(super) name: String,
    devices: Vec<String>,
    is_in_hardware: bool,
}

impl Flowtable {
    /// Whether it takes packets past the interface `name`.
    pub(super) fn bypasses(&self, name: &str, links: &Links) -> bool {
        let mut devices = self.devices.iter();
        devices.any(|device| {
            links.above(device, &[name]).is_some() || (self.is_in_hardware && device == name)
        })
    }
}

/// All flowtables; none if the kernel has no nftables.
pub(super) fn read() -> Vec<Flowtable> {
    let request = [0; HEADER_BYTES];
    netlink::dump(Family::Netfilter, NFT_MSG_GETFLOWTABLE, &request, flowtable).unwrap_or_default()
}

fn flowtable(message: &Message<'_>) -> Option<Flowtable> {
    let attributes = message.attributes(HEADER_BYTES);
    let hook = attributes.nested(NFTA_FLOWTABLE_HOOK);
    let devices = hook.nested(NFTA_FLOWTABLE_HOOK_DEVS);
    Some(Flowtable {
        name: format!(
            "{} {}",
            text(attributes.get(NFTA_FLOWTABLE_TABLE)?),
            text(attributes.get(NFTA_FLOWTABLE_NAME)?)
        ),
        devices: devices.map(|(_, name)| text(name)).collect(),
        is_in_hardware: flags(attributes) & NFT_FLOWTABLE_HW_OFFLOAD != 0,
    })
}

/// Numbers of nftables are big-endian.
fn flags(attributes: Attributes<'_>) -> u32 {
    let flags = attributes.get(NFTA_FLOWTABLE_FLAGS);
    let flags = flags.and_then(|flags| flags.first_chunk());
    flags.map_or(0, |flags| u32::from_be_bytes(*flags))
}
