//! Frames put on an interface as they are (AF_PACKET), with what the kernel is told of them besides:
//! how a super-packet is to be cut, and how much is to be in the linear part of the skb.

use std::io::IoSlice;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result, ensure};
use etherparse::{PacketBuilderStep, TcpHeader};
use nix::errno::Errno;
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, SockFlag, SockType, sendmmsg, setsockopt, socket,
    sockopt,
};
use nix::unistd::write;

use super::Family;

/// A socket on one interface.
pub struct PacketSocket(OwnedFd);

/// What the kernel is told of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Hints {
    /// Bytes at the beginning that are to be in the linear part, if the frame does not fit into a
    /// page.
    pub linear: u16,
    /// How it is to be cut; `None` for an ordinary frame.
    pub cut: Option<Cut>,
}

/// How a super-packet of TCP is to be cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Payload of each segment in bytes.
    pub size: u16,
    /// The version of IP.
    pub family: Family,
    /// Where the TCP header begins.
    pub tcp_at: u16,
}

// Kernel: include/uapi/linux/virtio_net.h.
const NEEDS_CHECKSUM: u8 = 1;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
/// Place of the checksum in a TCP header.
const CHECKSUM_AT: u16 = 16;
/// The longest super-packets have more than half a megabyte.
const SEND_BUFFER: usize = 4 << 20;

impl PacketSocket {
    /// A socket on an interface of the namespace that the thread is in. It receives nothing.
    ///
    /// # Errors
    ///
    /// When there is no such interface.
    pub fn open(interface: &str) -> Result<Self> {
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        bind(&socket, interface)?;
        setsockopt(&socket, sockopt::SndBufForce, &SEND_BUFFER)?;
        take_hints(&socket)?;
        Ok(Self(socket))
    }

    /// Sends a frame.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it.
    pub fn send(&self, frame: &[u8], hints: Hints) -> Result<()> {
        let message = [&hints.to_bytes()[..], frame].concat();
        let sent = write(&self.0, &message).context("cannot send the frame")?;
        ensure!(sent == message.len(), "{sent} of {} bytes", message.len());
        Ok(())
    }

    /// Sends an ordinary frame with a segment without payload.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it.
    pub fn send_segment(&self, segment: PacketBuilderStep<TcpHeader>) -> Result<()> {
        let mut frame = Vec::new();
        segment.write(&mut frame, &[])?;
        self.send(&frame, Hints::NONE)
    }

    /// Sends messages in few system calls: each is a frame, with its hints as
    /// bytes before it.
    ///
    /// # Errors
    ///
    /// When the kernel refuses one.
    pub fn send_many(&self, messages: &[impl AsRef<[u8]>]) -> Result<()> {
        let slices = messages
            .iter()
            .map(|message| [IoSlice::new(message.as_ref())]);
        let slices: Vec<_> = slices.collect();
        let nowhere_else: Vec<Option<()>> = vec![None; slices.len()];
        let mut headers = MultiHeaders::preallocate(slices.len(), None);
        let mut rest = &slices[..];
        while !rest.is_empty() {
            let (fd, to) = (self.0.as_raw_fd(), &nowhere_else[..rest.len()]);
            let sent = sendmmsg(fd, &mut headers, rest, to, [], MsgFlags::empty());
            let sent = sent.context("cannot send frames")?.count();
            ensure!(sent > 0, "no frame was sent");
            rest = &rest[sent..];
        }
        Ok(())
    }
}

impl Hints {
    /// Those of an ordinary frame.
    pub const NONE: Self = Self {
        linear: 0,
        cut: None,
    };
    /// How many bytes they are.
    pub const LEN: usize = 10;

    /// A `virtio_net_hdr`.
    fn to_bytes(self) -> [u8; Self::LEN] {
        match self.cut {
            None => header(0, 0, [self.linear, 0, 0, 0]),
            Some(cut) => {
                let kind = match cut.family {
                    Family::V4 => GSO_TCPV4,
                    Family::V6 => GSO_TCPV6,
                };
                let numbers = [self.linear, cut.size, cut.tcp_at, CHECKSUM_AT];
                header(NEEDS_CHECKSUM, kind, numbers)
            }
        }
    }

    /// Those of an ordinary frame whose TCP checksum is only begun, with that of the pseudo-header:
    /// the device is to complete it.
    #[must_use]
    pub fn of_begun_checksum(tcp_at: u16) -> [u8; Self::LEN] {
        header(NEEDS_CHECKSUM, 0, [0, 0, tcp_at, CHECKSUM_AT])
    }
}

fn header(flags: u8, kind: u8, numbers: [u16; 4]) -> [u8; Hints::LEN] {
    let mut bytes = [0; Hints::LEN];
    bytes[..2].copy_from_slice(&[flags, kind]);
    for (place, number) in bytes[2..].chunks_exact_mut(2).zip(numbers) {
        place.copy_from_slice(&number.to_ne_bytes());
    }
    bytes
}

fn bind(socket: &OwnedFd, interface: &str) -> Result<()> {
    let index = if_nametoindex(interface).with_context(|| format!("no interface {interface}"))?;
    #[expect(unsafe_code, reason = "nix makes no such address")]
    // SAFETY: zeros are a valid address.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::c_ushort;
    address.sll_ifindex = index.cast_signed();
    #[expect(unsafe_code, reason = "nix makes no such address")]
    // SAFETY: the kernel reads the address, which lives through the call.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of_val(&address) as libc::socklen_t,
        )
    };
    Errno::result(result).with_context(|| format!("cannot use {interface}"))?;
    Ok(())
}

fn take_hints(socket: &OwnedFd) -> Result<()> {
    let on: libc::c_int = 1;
    #[expect(unsafe_code, reason = "nix does not know this option")]
    // SAFETY: the kernel reads an integer, which lives through the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_VNET_HDR,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    Errno::result(result).context("PACKET_VNET_HDR")?;
    Ok(())
}
