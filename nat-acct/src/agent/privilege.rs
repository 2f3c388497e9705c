//! Why the kernel refused us, found out rather than guessed.

use std::{fs, io};

use anyhow::Error;
use aya::{maps::MapError, programs::ProgramError, sys::SyscallError};

// Capability numbers of include/uapi/linux/capability.h.
const NET_ADMIN: u32 = 12;
const SYS_ADMIN: u32 = 21;
const BPF: u32 = 39;

/// Puts the cause in front of an error: a capability that is missing, or a kernel without BPF.
pub(super) fn explain(error: Error) -> Error {
    match os_error(&error) {
        Some(libc::EPERM | libc::EACCES) => match missing() {
            Some(missing) => error.context(format!("not enough privilege, {missing} is missing")),
            None => error,
        },
        Some(libc::ENOSYS) => error.context("this kernel has no BPF (CONFIG_BPF_SYSCALL)"),
        _ => error,
    }
}

/// The system's error at the bottom of the chain.
fn os_error(error: &Error) -> Option<i32> {
    error.chain().find_map(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        let io = io.or_else(|| match cause.downcast_ref::<ProgramError>()? {
            ProgramError::LoadError { io_error, .. } => Some(io_error),
            ProgramError::SyscallError(SyscallError { io_error, .. }) => Some(io_error),
            _ => None,
        });
        let io = io.or_else(|| match cause.downcast_ref::<MapError>()? {
            MapError::CreateError { io_error, .. } => Some(io_error),
            MapError::SyscallError(SyscallError { io_error, .. }) => Some(io_error),
            _ => None,
        });
        io?.raw_os_error()
    })
}

/// The needed capabilities that this process does not have.
fn missing() -> Option<&'static str> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    let effective = u64::from_str_radix(effective.trim(), 16).ok()?;
    let has = |capability: u32| effective >> capability & 1 == 1;
    // CAP_SYS_ADMIN has been enough for BPF since before there was CAP_BPF.
    match (has(NET_ADMIN), has(BPF) || has(SYS_ADMIN)) {
        (true, true) => None,
        (true, false) => Some("CAP_BPF"),
        (false, true) => Some("CAP_NET_ADMIN"),
        (false, false) => Some("CAP_BPF and CAP_NET_ADMIN"),
    }
}
