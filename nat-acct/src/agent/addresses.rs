//! The gateway's own addresses, as rtnetlink tells (kernel: net/ipv4/devinet.c, inet_fill_ifaddr, and
//! net/ipv6/addrconf.c, inet6_fill_ifaddr).

use std::{collections::BTreeSet, net::IpAddr};

use crate::netlink::{self, Family, Message};

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

/// Where the interface has a peer, the other attribute is the peer's.
fn address(message: &Message<'_>) -> Option<IpAddr> {
    let attributes = message.attributes(HEADER_BYTES);
    let bytes = attributes.get(IFA_LOCAL).or(attributes.get(IFA_ADDRESS))?;
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4.or(v6).ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::Value;

    use super::local;

    #[test]
    fn they_are_those_that_ip_lists() {
        let listed = Command::new("ip").args(["-json", "address"]).output();
        let listed: Value = serde_json::from_slice(&listed.expect("iproute2").stdout).unwrap();
        let interfaces = listed.as_array().into_iter().flatten();
        let all = interfaces.filter_map(|interface| interface["addr_info"].as_array());
        let addresses = all
            .flatten()
            .filter_map(|it| it["local"].as_str()?.parse().ok());
        assert_eq!(local(), addresses.collect());
    }
}
