//! The system call bpf(2), for commands that aya does not make, or not for whoever has few privileges.

use std::ptr;

use nix::errno::Errno;

/// Carries out a command with its attributes, its part of `union bpf_attr`. Returns what the command
/// returns: 0, or a descriptor.
///
/// # Safety
///
/// They must be laid out as the kernel wants them for this command, and so must be all that they point
/// to, which must live through the call.
pub(in crate::source::live) unsafe fn call<A>(
    command: libc::c_int,
    attributes: &mut A,
) -> Result<libc::c_long, Errno> {
    // SAFETY: by the caller.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            ptr::from_mut(attributes),
            size_of::<A>(),
        )
    };
    Errno::result(result)
}
