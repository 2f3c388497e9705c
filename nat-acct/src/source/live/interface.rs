//! What the system says of an interface by its name.

use std::{io, mem};

use anyhow::{Context as _, Result};
use nat_acct_common::packet::Link;
use nix::{
    net::if_::if_nametoindex,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};
use std::os::fd::AsRawFd as _;

/// An interface that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    /// The kernel's number of it.
    pub(super) index: u32,
    /// What its frames start with.
    pub(super) link: Link,
}

/// Looks up the interface `name`.
pub(super) fn look_up(name: &str) -> Result<Interface> {
    let index = if_nametoindex(name).with_context(|| format!("there is no interface {name}"))?;
    let link = link(name).with_context(|| format!("cannot tell the kind of interface {name}"))?;
    Ok(Interface { index, link })
}

/// Devices whose hardware type (kernel: include/uapi/linux/if_arp.h) is not Ethernet's have no
/// header before IP: tun, ppp, wireguard, ipip. The loopback has an Ethernet header.
fn link(name: &str) -> io::Result<Link> {
    Ok(match hardware_type(name)? {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Link::Ethernet,
        _ => Link::Ip,
    })
}

fn hardware_type(name: &str) -> io::Result<u16> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    // SAFETY: zeros are a valid ifreq.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    // The last byte stays 0; a longer name has no index and does not come here.
    for (to, from) in request.ifr_name[..libc::IFNAMSIZ - 1]
        .iter_mut()
        .zip(name.bytes())
    {
        *to = from.cast_signed();
    }
    // SAFETY: the request is an ifreq, as SIOCGIFHWADDR wants it, and lives through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFHWADDR, &raw mut request) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has filled in the hardware address, whose family is the type.
    Ok(unsafe { request.ifr_ifru.ifru_hwaddr.sa_family })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_there_and_others_are_not() {
        let loopback = look_up("lo").expect("every namespace has a loopback");
        assert_eq!(loopback.link, Link::Ethernet);
        let error = look_up("no-such-if").expect_err("no such interface");
        assert_eq!(error.to_string(), "there is no interface no-such-if");
    }
}
