//! Why the kernel refused us, found out rather than guessed.

use std::{fs, io};

use anyhow::Error;
use aya::{maps::MapError, programs::ProgramError, sys::SyscallError};

/// Capability numbers of include/uapi/linux/capability.h.
const NEEDED: [(u32, &str); 2] = [(12, "CAP_NET_ADMIN"), (39, "CAP_BPF")];
const SYS_ADMIN: u32 = 21;

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
fn missing() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    let effective = u64::from_str_radix(effective.trim(), 16).ok()?;
    let has = |capability: u32| effective >> capability & 1 == 1;
    let names: Vec<&str> = NEEDED
        .into_iter()
        .filter(|&(capability, _)| !has(capability) && !(capability == 39 && has(SYS_ADMIN)))
        .map(|(_, name)| name)
        .collect();
    (!names.is_empty()).then(|| names.join(" and "))
}
