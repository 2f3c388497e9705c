//! Sockets of Multipath TCP (RFC 8684): one stream over several TCP connections,
//! its subflows.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::Result;
use nix::libc;
use nix::sys::socket::{Backlog, SockaddrStorage, bind, connect};

use super::connect::family_of;
use crate::lab::{Lab, Ns};

/// Gives a client a second address, from which its connections get a further
/// subflow.
pub fn add_path(lab: &Lab, client: Ns, address: IpAddr) -> Result<()> {
    let (prefix, nodad) = match address {
        IpAddr::V4(_) => (24, ""),
        IpAddr::V6(_) => (64, "nodad"),
    };
    let add = format!("ip address add {address}/{prefix} dev eth0 {nodad}");
    lab.run(client, &add)?;
    let endpoint = format!("ip mptcp endpoint add {address} subflow");
    lab.run(client, &endpoint).map(drop)
}

/// Listens in a namespace; port 0 lets the kernel choose.
pub fn listen(lab: &Lab, at: Ns, address: SocketAddr) -> Result<TcpListener> {
    lab.enter(at, || {
        let fd = socket(address)?;
        bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
        nix::sys::socket::listen(&fd, Backlog::MAXCONN)?;
        Ok(fd.into())
    })
}

/// Opens a connection from a namespace, by its first address.
pub fn dial(lab: &Lab, from: Ns, remote: SocketAddr) -> Result<TcpStream> {
    let local = SocketAddr::new(from.address(family_of(remote)), 0);
    lab.enter(from, || {
        let fd = socket(remote)?;
        bind(fd.as_raw_fd(), &SockaddrStorage::from(local))?;
        connect(fd.as_raw_fd(), &SockaddrStorage::from(remote))?;
        Ok(fd.into())
    })
}

fn socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: the call takes numbers only.
    #[expect(unsafe_code, reason = "nix does not know the protocol")]
    let fd = unsafe { libc::socket(family, kind, libc::IPPROTO_MPTCP) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    #[expect(unsafe_code, reason = "nix does not know the protocol")]
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
