//! Which addresses are those of clients.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;
use nat_acct_common::layout::Address;

/// The networks on the inside.
pub(super) struct Networks {
    ranges: Ranges,
    /// Addresses in them that are no client's.
    gateway: BTreeSet<Address>,
}

enum Ranges {
    /// Those that nobody has on the outside: RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// Those that were named.
    Named(Vec<IpNet>),
}

impl Networks {
    /// The networks that were named, or else the private ones; without the addresses of the
    /// gateway.
    pub(super) fn new(named: &[IpNet], gateway: &[IpAddr]) -> Self {
        Self {
            ranges: if named.is_empty() {
                Ranges::Private
            } else {
                Ranges::Named(named.to_vec())
            },
            gateway: gateway.iter().copied().map(Address::from).collect(),
        }
    }

    #[inline]
    pub(super) fn contain(&self, address: Address) -> bool {
        self.ranges.contain(address.ip()) && !self.gateway.contains(&address)
    }
}

impl Ranges {
    #[inline]
    fn contain(&self, ip: IpAddr) -> bool {
        match (self, ip) {
            (Self::Private, IpAddr::V4(ip)) => ip.is_private() || is_shared(ip),
            (Self::Private, IpAddr::V6(ip)) => ip.is_unique_local(),
            (Self::Named(networks), _) => networks.iter().any(|network| network.contains(&ip)),
        }
    }
}

/// 100.64.0.0/10, between the customers and the NAT of a provider (RFC 6598).
fn is_shared(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && second & 0xc0 == 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_ranges() {
        let inside = [
            "10.0.0.1",
            "172.31.255.255",
            "192.168.17.11",
            "100.127.0.1",
            "fd00::1",
        ];
        let outside = [
            "129.125.14.80",
            "172.32.0.1",
            "100.128.0.1",
            "2001:db8::1",
            "fe80::1",
        ];
        check(&[], &[], &inside, &outside);
    }

    #[test]
    fn the_gateway_is_no_client() {
        check(
            &[],
            &["192.168.17.1"],
            &["192.168.17.11"],
            &["192.168.17.1"],
        );
    }

    #[test]
    fn named_networks_are_the_only_ones() {
        let named = ["129.125.14.0/24", "2001:db8:17::/48"];
        check(
            &named,
            &[],
            &["129.125.14.80", "2001:db8:17::1"],
            &["10.0.0.1", "129.125.15.1"],
        );
    }

    fn check(named: &[&str], gateway: &[&str], inside: &[&str], outside: &[&str]) {
        let named: Vec<IpNet> = named.iter().map(|net| net.parse().unwrap()).collect();
        let gateway: Vec<IpAddr> = gateway.iter().map(|ip| ip.parse().unwrap()).collect();
        let networks = Networks::new(&named, &gateway);
        let contain = |ip: &&str| networks.contain(ip.parse::<IpAddr>().unwrap().into());
        assert!(inside.iter().all(contain));
        assert!(!outside.iter().any(contain));
    }
}
