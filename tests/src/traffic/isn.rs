//! Choosing the initial sequence number of a connection, as devices with a
//! constant one do, by the kernel's TCP_REPAIR (tcp(7) does not have it; see
//! net/ipv4/tcp.c, `do_tcp_setsockopt`).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;

/// Values of TCP_REPAIR and of TCP_REPAIR_QUEUE (include/uapi/linux/tcp.h).
const REPAIR_ON: libc::c_int = 1;
const REPAIR_OFF_NO_WINDOW_PROBE: libc::c_int = -1;
const SEND_QUEUE: libc::c_int = 2;

/// Lets a socket that is not connected yet begin with this number.
pub fn choose(socket: &OwnedFd, isn: u32) -> io::Result<()> {
    set(socket, libc::TCP_REPAIR, REPAIR_ON)?;
    set(socket, libc::TCP_REPAIR_QUEUE, SEND_QUEUE)?;
    set(socket, libc::TCP_QUEUE_SEQ, isn.cast_signed())?;
    set(socket, libc::TCP_REPAIR, REPAIR_OFF_NO_WINDOW_PROBE)
}

fn set(socket: &OwnedFd, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let bytes = value.to_ne_bytes();
    // SAFETY: the kernel reads as many bytes as there are.
    #[expect(unsafe_code, reason = "nix has no TCP_QUEUE_SEQ")]
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            option,
            bytes.as_ptr().cast(),
            bytes.len() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
