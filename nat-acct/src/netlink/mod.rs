//! Netlink (RFC 3549), as far as it is needed here: asking the kernel for what it has, and being
//! told when that changes. What the messages mean is known where they are asked for.

mod message;

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
        socket,
    },
};

pub use message::{Attributes, Message, number, text};
use message::{Messages, request};

/// No datagram of the kernel is larger (kernel: net/netlink/af_netlink.c, netlink_recvmsg).
const DATAGRAM_BYTES: usize = 32 * 1024;
/// How often a dump is asked for again that was interrupted by a change.
const ATTEMPTS: usize = 5;

/// Groups of rtnetlink (kernel: include/uapi/linux/rtnetlink.h) to be told by.
pub mod group {
    /// Interfaces come, go and change.
    pub const LINK: u32 = 1;
    /// Qdiscs and filters come, go and change.
    pub const TC: u32 = 8;
}

/// A part of the kernel that speaks netlink.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    /// Interfaces, their addresses, qdiscs and filters.
    Route,
    /// nftables.
    Netfilter,
}

impl From<Family> for SockProtocol {
    fn from(family: Family) -> Self {
        match family {
            Family::Route => Self::NetlinkRoute,
            Family::Netfilter => Self::NetlinkNetFilter,
        }
    }
}

/// Asks for all objects of a kind, and reads each.
///
/// # Errors
///
/// What the kernel answers instead, or that the objects changed all the time.
pub fn dump<T>(
    family: Family,
    kind: u16,
    body: &[u8],
    read: impl Fn(&Message<'_>) -> Option<T>,
) -> io::Result<Vec<T>> {
    for _ in 0..ATTEMPTS {
        let flags = libc::NLM_F_REQUEST | libc::NLM_F_DUMP;
        if let Some(all) = ask(family, &request(kind, flags as u16, body), &read)? {
            return Ok(all);
        }
    }
    Err(Errno::EINTR.into())
}

/// Asks for one object.
///
/// # Errors
///
/// What the kernel answers instead.
pub fn get<T>(
    family: Family,
    kind: u16,
    body: &[u8],
    read: impl Fn(&Message<'_>) -> Option<T>,
) -> io::Result<Option<T>> {
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK;
    let answers = ask(family, &request(kind, flags as u16, body), &read)?;
    Ok(answers.into_iter().flatten().next())
}

/// All answers to a request; `None` if what they tell changed in between.
fn ask<T>(
    family: Family,
    request: &[u8],
    read: &impl Fn(&Message<'_>) -> Option<T>,
) -> io::Result<Option<Vec<T>>> {
    let socket = open(family, 0, SockFlag::empty())?;
    send(socket.as_raw_fd(), request, MsgFlags::empty())?;
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let mut answers = Vec::new();
    let mut is_whole = true;
    loop {
        let len = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        for message in Messages::new(&buffer[..len]) {
            is_whole &= !message.is_interrupted();
            if message.is_last() {
                message.result()?;
                return Ok(is_whole.then_some(answers));
            }
            answers.extend(read(&message));
        }
    }
}

/// Becomes readable when something changes. What it was is to be asked for.
pub struct Changes(OwnedFd);

impl Changes {
    /// Listens to these [`group`]s of rtnetlink.
    ///
    /// # Errors
    ///
    /// When there are too many open files.
    pub fn listen(groups: u32) -> io::Result<Self> {
        open(Family::Route, groups, SockFlag::SOCK_NONBLOCK).map(Self)
    }

    /// Takes what was told so far, so that it becomes readable with the next change.
    pub fn take(&self) {
        let mut buffer = [0; 4096];
        loop {
            match recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC) {
                // ENOBUFS: more was told than there was room for.
                Ok(_) | Err(Errno::ENOBUFS | Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Changes {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn open(family: Family, groups: u32, flags: SockFlag) -> io::Result<OwnedFd> {
    let flags = flags | SockFlag::SOCK_CLOEXEC;
    let protocol = SockProtocol::from(family);
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
    Ok(socket)
}
