//! A tun device: its packets have no link-layer header. What is written here comes in by it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::mem;
use std::os::fd::AsRawFd;

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::libc;

/// The far end of a tun device, which goes with it.
pub struct Tun(File);

impl Tun {
    /// Makes the device `name` in the namespace that the thread is in. It is down.
    ///
    /// # Errors
    ///
    /// When the kernel refuses.
    pub fn create(name: &str) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/net/tun")
            .context("cannot open /dev/net/tun")?;
        ensure!(name.len() < libc::IFNAMSIZ, "{name} is too long");
        #[expect(unsafe_code, reason = "nix does not know this request")]
        // SAFETY: zeros are a valid ifreq.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from.cast_signed();
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
        #[expect(unsafe_code, reason = "nix does not know this request")]
        // SAFETY: the kernel reads an ifreq, which lives through the call.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw const request) };
        Errno::result(result).with_context(|| format!("cannot make {name}"))?;
        Ok(Self(file))
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
