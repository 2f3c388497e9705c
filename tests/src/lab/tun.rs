//! Devices without an Ethernet header in the place of the lab's own: a tun device
//! on either end, and a thread that carries packets between them.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::topology::{ONLY, addresses, batch, host, outside_addresses};
use super::{INSIDE, Lab, Ns, OUTSIDE};

/// The longest IP packet, and a header of virtio-net before it.
const PACKET_BYTES: usize = 65_535 + 64;

/// What a tun device hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packets {
    /// Each packet as it would be on a wire.
    Single,
    /// Super-packets as a virtual machine's interface sends them
    /// (`IFF_VNET_HDR`).
    Super,
}

/// A link of two tun devices. Dropping it ends it.
pub struct Tun {
    thread: Option<JoinHandle<()>>,
    stop: Option<PipeWriter>,
}

/// Makes the link between gateway and remote one of tun devices.
pub fn outside(lab: &Lab, packets: Packets) -> Result<Tun> {
    lab.run(Ns::Gateway, &format!("ip link delete {OUTSIDE}"))?;
    let tun = Tun::between(lab, (Ns::Gateway, OUTSIDE), (Ns::Remote, ONLY), packets)?;
    batch(lab, Ns::Gateway, &outside_addresses())?;
    batch(lab, Ns::Remote, &addresses(Ns::Remote, ONLY))?;
    Ok(tun)
}

/// Makes the link between the first client and the gateway one of tun devices;
/// the second client loses its link.
pub fn inside(lab: &Lab, packets: Packets) -> Result<Tun> {
    for device in ["port1", "port2", INSIDE] {
        lab.run(Ns::Gateway, &format!("ip link delete {device}"))?;
    }
    let tun = Tun::between(lab, (Ns::Gateway, INSIDE), (Ns::Client1, ONLY), packets)?;
    batch(lab, Ns::Gateway, &addresses(Ns::Gateway, INSIDE))?;
    batch(lab, Ns::Client1, &host(Ns::Client1, Ns::Gateway))?;
    Ok(tun)
}

impl Tun {
    fn between(lab: &Lab, one: (Ns, &str), other: (Ns, &str), packets: Packets) -> Result<Self> {
        let open = |(ns, name)| lab.enter(ns, || open(name, packets));
        let (one, other) = (open(one)?, open(other)?);
        let (stopped, stop) = io::pipe()?;
        let thread = std::thread::spawn(move || carry(&one, &other, &stopped));
        Ok(Self {
            thread: Some(thread),
            stop: Some(stop),
        })
    }
}

/// The far end of a tun device, which goes with it.
pub struct End(File);

impl End {
    /// Makes the device `name` in the namespace that the thread is in. It is down.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn create(name: &str) -> Result<Self> {
        open(name, Packets::Single).map(Self)
    }

    /// An IP packet comes in.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it.
    pub fn send(&self, packet: &[u8]) -> Result<()> {
        Ok((&self.0).write_all(packet)?)
    }
}

impl Drop for Tun {
    fn drop(&mut self) {
        // The thread sees that the pipe has no writer any more.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn carry(one: &File, other: &File, stopped: &PipeReader) {
    let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
    loop {
        let mut waiting = [
            readable(one.as_fd()),
            readable(other.as_fd()),
            readable(stopped.as_fd()),
        ];
        let done = poll(&mut waiting, PollTimeout::NONE);
        if done.is_err() || waiting[2].any() != Some(false) {
            return;
        }
        hand_over(one, other);
        hand_over(other, one);
    }
}

/// Hands over what is there. A packet that the other end does not take is lost,
/// as on any link.
fn hand_over(mut from: &File, mut to: &File) {
    let mut packet = [0; PACKET_BYTES];
    while let Ok(bytes) = from.read(&mut packet) {
        let _ = to.write(&packet[..bytes]);
    }
}

fn open(name: &str, packets: Packets) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")
        .context("cannot open /dev/net/tun")?;
    let mut flags = libc::IFF_TUN | libc::IFF_NO_PI;
    if packets == Packets::Super {
        flags |= libc::IFF_VNET_HDR;
    }
    attach(&file, name, flags).with_context(|| format!("cannot make the tun device {name}"))?;
    if packets == Packets::Super {
        let offloads = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6;
        take(&file, offloads).context("the tun device takes no offloads")?;
    }
    Ok(file)
}

fn attach(tun: &File, name: &str, flags: libc::c_int) -> io::Result<()> {
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: flags as libc::c_short,
        },
    };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    // SAFETY: the request is an ifreq, as TUNSETIFF wants it, and lives through the
    // call.
    #[expect(unsafe_code, reason = "nix has no such call")]
    let result = unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn take(tun: &File, offloads: libc::c_uint) -> io::Result<()> {
    // SAFETY: the argument of TUNSETOFFLOAD is a number.
    #[expect(unsafe_code, reason = "nix has no such call")]
    let result = unsafe {
        libc::ioctl(
            tun.as_raw_fd(),
            libc::TUNSETOFFLOAD,
            libc::c_ulong::from(offloads),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
