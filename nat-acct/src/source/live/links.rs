//! The interfaces of this network namespace, and which of them is on top of which, as rtnetlink
//! tells (kernel: net/core/rtnetlink.c, rtnl_fill_ifinfo).

use std::io;

use anyhow::{Context as _, Result, bail};
use nat_acct_common::{
    layout::{Description, Direction},
    packet::Link,
};

use crate::netlink::{self, Family, Message, number, text};

/// `struct ifinfomsg`: family, hardware type, index, flags, change mask.
const HEADER_BYTES: usize = 16;
// Attributes of include/uapi/linux/if_link.h.
const IFLA_IFNAME: u16 = 3;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_STATS64: u16 = 23;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_INFO_KIND: u16 = 1;
/// Kinds that send and receive their frames by the interface that `IFLA_LINK` names, as they are
/// or with a tag. A tunnel also names one, but its packets are others there.
const KINDS_ON_TOP: [&str; 5] = ["vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"];

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    index: u32,
    hardware_type: u16,
    /// The bridge, bond or VRF that it is a part of.
    master: Option<u32>,
    /// The interface that it is on top of.
    parent: Option<u32>,
    is_ifb: bool,
}

/// All interfaces at one moment.
#[derive(Debug, Default)]
pub(super) struct Links(Vec<Interface>);

impl Links {
    /// Asks the kernel.
    pub(super) fn read() -> Result<Self> {
        let all = netlink::dump(
            Family::Route,
            libc::RTM_GETLINK,
            &[0; HEADER_BYTES],
            interface,
        );
        Ok(Self(all.context("cannot list the interfaces")?))
    }

    /// What there is to know of the interface `name`.
    pub(super) fn describe(&self, name: &str) -> Option<Description> {
        let interface = self.named(name)?;
        Some(Description {
            index: interface.index,
            link: interface.link(),
            serves_others: self.serves_others(interface),
        })
    }

    /// The same, of one that the programs may be on by [`Self::check`].
    pub(super) fn describe_allowed(&self, name: &str, names: &[&str]) -> Result<Description> {
        self.check(name, names)?;
        self.describe(name).context("it is gone")
    }

    /// The numbers of the ifb devices.
    pub(super) fn ifbs(&self) -> impl Iterator<Item = u32> {
        let ifbs = self.0.iter().filter(|interface| interface.is_ifb);
        ifbs.map(|interface| interface.index)
    }

    /// The names and numbers of all interfaces.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, u32)> {
        let interfaces = self.0.iter();
        interfaces.map(|interface| (&*interface.name, interface.index))
    }

    /// Says whether the programs may be on the interface `name`, if they are on all of `names`.
    pub(super) fn check(&self, name: &str, names: &[&str]) -> Result<()> {
        if self.named(name).is_none() {
            bail!("there is no interface {name}");
        }
        if let Some(upper) = self.above(name, names) {
            bail!("{upper} is on top of {name}, so packets would be seen twice: name one of them");
        }
        Ok(())
    }

    /// One of the interfaces `names` by which the same packets go as by `lower`, before or after:
    /// the bridge of a port, the bond of a member, the VLAN device of a parent.
    pub(super) fn above<'a>(&self, lower: &str, names: &[&'a str]) -> Option<&'a str> {
        let lower = self.named(lower)?;
        let is_above = |name: &&&str| {
            let upper = self.named(name);
            upper.is_some_and(|upper| self.is_above(upper, lower))
        };
        names.iter().find(is_above).copied()
    }

    /// Whether what goes by `upper` goes by `lower`, too.
    fn is_above(&self, upper: &Interface, lower: &Interface) -> bool {
        let mut reached = vec![lower.index];
        let mut done = 0;
        while let Some(&index) = reached.get(done) {
            for above in self.directly_above(index) {
                if !reached.contains(&above) {
                    reached.push(above);
                }
            }
            done += 1;
        }
        reached[1..].contains(&upper.index)
    }

    fn directly_above(&self, lower: u32) -> impl Iterator<Item = u32> {
        let on_top = self
            .0
            .iter()
            .filter(move |other| other.parent == Some(lower));
        let part = self.0.iter().filter(move |other| other.index == lower);
        on_top
            .map(|upper| upper.index)
            .chain(part.filter_map(|part| part.master))
    }

    /// See [`Description::serves_others`].
    fn serves_others(&self, lower: &Interface) -> bool {
        let is_on_top = |upper: &Interface| upper.parent == Some(lower.index);
        // Without a link-layer header, no packet is for another host.
        lower.link() == Link::Ip || lower.master.is_some() || self.0.iter().any(is_on_top)
    }

    fn named(&self, name: &str) -> Option<&Interface> {
        self.0.iter().find(|interface| interface.name == name)
    }
}

impl Interface {
    /// Devices whose hardware type (kernel: include/uapi/linux/if_arp.h) is not Ethernet's have no
    /// header before IP: tun, ppp, wireguard, ipip. The loopback has an Ethernet header.
    fn link(&self) -> Link {
        match self.hardware_type {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Link::Ethernet,
            _ => Link::Ip,
        }
    }
}

/// How many packets the interface with this number has received and sent.
pub(super) fn packets(index: u32) -> io::Result<Option<[u64; Direction::ALL.len()]>> {
    let mut body = [0; HEADER_BYTES];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    netlink::get(Family::Route, libc::RTM_GETLINK, &body, |message| {
        // `struct rtnl_link_stats64` begins with them.
        let (numbers, _) = message
            .attributes(HEADER_BYTES)
            .get(IFLA_STATS64)?
            .as_chunks();
        let [received, sent, ..] = numbers else {
            return None;
        };
        Some([received, sent].map(|number| u64::from_ne_bytes(*number)))
    })
}

fn interface(message: &Message<'_>) -> Option<Interface> {
    let attributes = message.attributes(HEADER_BYTES);
    let index_in = |kind| number(attributes.get(kind)?, 0);
    let kind = attributes
        .nested(IFLA_LINKINFO)
        .get(IFLA_INFO_KIND)
        .map(text);
    let kind = kind.as_deref().unwrap_or_default();
    let is_on_top = KINDS_ON_TOP.contains(&kind) && attributes.get(IFLA_LINK_NETNSID).is_none();
    Some(Interface {
        name: attributes.get(IFLA_IFNAME).map(text)?,
        index: number(message.body, 4)?,
        hardware_type: u16::from_ne_bytes(*message.body.get(2..)?.first_chunk()?),
        master: index_in(IFLA_MASTER),
        parent: if is_on_top { index_in(IFLA_LINK) } else { None },
        is_ifb: kind == "ifb",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_there_and_others_are_not() {
        let links = Links::read().expect("anybody may ask");
        let loopback = links.describe("lo").expect("every namespace has one");
        assert_eq!(loopback.link, Link::Ethernet);
        assert_eq!(links.describe("no-such-if"), None);
    }

    #[test]
    fn what_is_stacked_is_found_over_any_number_of_steps() {
        let interface = |name: &str, index, master, parent| Interface {
            name: name.to_owned(),
            index,
            hardware_type: libc::ARPHRD_ETHER,
            master,
            parent,
            is_ifb: false,
        };
        let links = Links(vec![
            interface("eth0", 1, Some(3), None),
            interface("eth1", 2, Some(3), None),
            interface("bond0", 3, None, None),
            interface("bond0.5", 4, Some(6), Some(3)),
            interface("bond0.6", 5, None, Some(3)),
            interface("br0", 6, None, None),
        ]);
        for (lower, others, above) in [
            ("bond0.6", &["br0"][..], None),
            ("bond0.5", &["bond0.6"], None),
            ("eth0", &["eth1"], None),
            ("br0", &["br0", "eth0"], None),
            ("eth1", &["eth0", "br0"], Some("br0")),
            ("bond0", &["bond0", "bond0.6"], Some("bond0.6")),
            ("bond0", &["no-such-if"], None),
        ] {
            assert_eq!(links.above(lower, others), above, "{lower}");
        }
        let serve = |name| links.describe(name).map(|found| found.serves_others);
        assert_eq!(serve("bond0"), Some(true));
        assert_eq!(serve("eth0"), Some(true));
        assert_eq!(serve("br0"), Some(false));
    }
}
