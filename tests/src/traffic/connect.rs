//! Opening a connection from a chosen port, which the standard library cannot
//! do, and knowing the port also when the opening fails.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::Result;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, getsockopt, setsockopt,
    socket, sockopt,
};

use super::isn;
use crate::lab::{Family, Lab, Ns};
use crate::wait::PATIENCE;

/// How an opening went.
#[derive(Debug)]
pub struct Attempt {
    /// The client's side, also of an opening that failed.
    pub local: SocketAddr,
    /// The connection, or why there is none; `TimedOut` when nobody answered.
    pub outcome: io::Result<TcpStream>,
}

/// Opens a connection from a namespace; port 0 lets the kernel choose.
/// Gives up after `deadline`, without waiting for the kernel's own retries.
pub fn attempt(
    lab: &Lab,
    from: Ns,
    port: u16,
    remote: SocketAddr,
    deadline: Duration,
) -> Result<Attempt> {
    attempt_with_isn(lab, from, port, None, remote, deadline)
}

/// The same with this initial sequence number.
pub fn attempt_with_isn(
    lab: &Lab,
    from: Ns,
    port: u16,
    isn: Option<u32>,
    remote: SocketAddr,
    deadline: Duration,
) -> Result<Attempt> {
    let local = SocketAddr::new(from.address(family_of(remote)), port);
    lab.enter(from, || {
        let fd = bound_socket(local)?;
        if let Some(isn) = isn {
            isn::choose(&fd, isn)?;
        }
        let local = local_address(&fd)?;
        Ok(Attempt {
            local,
            outcome: open(fd, remote, deadline),
        })
    })
}

/// Opens a connection by TCP Fast Open (RFC 7413) and writes this data, which may
/// go with the SYN if a cookie of the remote's is known.
pub fn dial_with_data(
    lab: &Lab,
    from: Ns,
    port: u16,
    remote: SocketAddr,
    data: &[u8],
) -> Result<TcpStream> {
    let local = SocketAddr::new(from.address(family_of(remote)), port);
    lab.enter(from, || {
        let fd = bound_socket(local)?;
        setsockopt(&fd, sockopt::TcpFastOpenConnect, &true)?;
        let mut stream = open(fd, remote, PATIENCE)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(data)?;
        Ok(stream)
    })
}

/// Opens a connection that is expected to succeed.
pub fn dial(lab: &Lab, from: Ns, port: u16, remote: SocketAddr) -> Result<TcpStream> {
    Ok(attempt(lab, from, port, remote, PATIENCE)?.outcome?)
}

/// Listens in a namespace; port 0 lets the kernel choose.
pub fn listen(lab: &Lab, at: Ns, address: SocketAddr) -> Result<TcpListener> {
    lab.enter(at, || Ok(TcpListener::bind(address)?))
}

/// The version of an address.
#[must_use]
pub fn family_of(address: SocketAddr) -> Family {
    if address.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    }
}

fn bound_socket(local: SocketAddr) -> nix::Result<OwnedFd> {
    let family = if local.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(family, SockType::Stream, flags, None)?;
    // One port may lead to several remotes at once.
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(local))?;
    Ok(fd)
}

fn local_address(fd: &OwnedFd) -> io::Result<SocketAddr> {
    TcpListener::from(fd.try_clone()?).local_addr()
}

fn open(fd: OwnedFd, remote: SocketAddr, deadline: Duration) -> io::Result<TcpStream> {
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(remote)) {
        Ok(()) | Err(Errno::EINPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let timeout = PollTimeout::try_from(deadline).unwrap_or(PollTimeout::MAX);
    if poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)], timeout)? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match getsockopt(&fd, sockopt::SocketError)? {
        0 => {}
        error => return Err(io::Error::from_raw_os_error(error)),
    }
    let stream = TcpStream::from(fd);
    stream.set_nonblocking(false)?;
    Ok(stream)
}
