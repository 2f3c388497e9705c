//! The gateway's own addresses, as rtnetlink tells (kernel: net/ipv4/devinet.c, inet_fill_ifaddr, and
//! net/ipv6/addrconf.c, inet6_fill_ifaddr).

use std::{collections::BTreeSet, net::IpAddr};

use crate::netlink::{self, Attributes, Family, Message};

/// `struct ifaddrmsg`: family, length of the prefix, flags, scope, index.
const HEADER_BYTES: usize = 8;
// Attributes of include/uapi/linux/if_addr.h.
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// The addresses of all interfaces; none if the system does not tell.
pub(super) fn local() -> BTreeSet<IpAddr> {
    let body = [0; HEADER_BYTES];
    let all = netlink::dump(Family::Route, libc::RTM_GETADDR, &body, address);
    all.into_iter().flatten().collect()
}

fn address(message: &Message<'_>) -> Option<IpAddr> {
    own(message.attributes(HEADER_BYTES))
}

/// Where the interface has a peer, the other attribute is the peer's.
fn own(attributes: Attributes<'_>) -> Option<IpAddr> {
    let bytes = attributes.get(IFA_LOCAL).or(attributes.get(IFA_ADDRESS))?;
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4.or(v6).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_one() {
        assert!(local().contains(&[127, 0, 0, 1].into()));
    }

    #[test]
    fn that_of_a_peer_is_not_our_own() {
        let peer = [8, 0, 1, 0, 192, 0, 2, 2];
        let ours = [8, 0, 2, 0, 192, 0, 2, 1];
        let of = |bytes: &[u8]| own(Attributes(bytes));
        assert_eq!(of(&[peer, ours].concat()), Some([192, 0, 2, 1].into()));
        assert_eq!(of(&peer), Some([192, 0, 2, 2].into()));
        assert_eq!(of(&[]), None);
    }
}
