//! BIG TCP: super-packets longer than the 64 KiB that the length field of an IP
//! header can say. Set by netlink, because the `ip` of Debian 12 does not know
//! the option for IPv4.

use std::os::fd::AsRawFd;

use anyhow::{Context, Result, ensure};
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use super::{Lab, Ns};

/// `IFLA_GRO_MAX_SIZE` of include/uapi/linux/if_link.h.
const GRO_MAX_SIZE: u16 = 58;
/// `IFLA_GSO_IPV4_MAX_SIZE`.
const GSO_IPV4_MAX_SIZE: u16 = 63;
/// `IFLA_GRO_IPV4_MAX_SIZE`.
const GRO_IPV4_MAX_SIZE: u16 = 64;

/// Of `struct nlmsghdr`, after which an answer has its error number.
const HEADER_BYTES: usize = 16;

/// Allows a device super-packets of so many bytes, both IPv4 and IPv6.
pub fn allow(lab: &Lab, ns: Ns, device: &str, bytes: u32) -> Result<()> {
    let attributes = [
        libc::IFLA_GSO_MAX_SIZE,
        GRO_MAX_SIZE,
        GSO_IPV4_MAX_SIZE,
        GRO_IPV4_MAX_SIZE,
    ];
    lab.enter(ns, || {
        let index = if_nametoindex(device)?;
        change_link(&message(index, &attributes.map(|kind| (kind, bytes))))
    })
    .with_context(|| format!("super-packets of {bytes} bytes on {device}"))
}

/// `RTM_NEWLINK` with these attributes.
fn message(index: u32, attributes: &[(u16, u32)]) -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK).cast_unsigned();
    let mut rest = Vec::new();
    rest.extend(libc::RTM_NEWLINK.to_ne_bytes());
    rest.extend((flags as u16).to_ne_bytes());
    rest.extend([0; 8]); // Sequence number, port.
    rest.extend([0; 4]); // Family, hardware type.
    rest.extend(index.to_ne_bytes());
    rest.extend([0; 8]); // Flags, and which of them to change.
    for (kind, value) in attributes {
        rest.extend(8u16.to_ne_bytes());
        rest.extend(kind.to_ne_bytes());
        rest.extend(value.to_ne_bytes());
    }
    let length = u32::try_from(rest.len() + 4).expect("a short message");
    [&length.to_ne_bytes()[..], &rest].concat()
}

fn change_link(message: &[u8]) -> Result<()> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    send(socket.as_raw_fd(), message, MsgFlags::empty())?;
    let mut answer = [0; 1024];
    let read = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let error = answer[..read].get(HEADER_BYTES..HEADER_BYTES + 4);
    let error = i32::from_ne_bytes(error.context("a short answer")?.try_into()?);
    ensure!(
        error == 0,
        "netlink: {}",
        std::io::Error::from_raw_os_error(-error)
    );
    Ok(())
}
