//! Why the kernel refused us, found out rather than guessed.

#![expect(unsafe_code, reason = "a system call that aya does not make")]

use std::{fs, io, ptr};

use anyhow::{Error, anyhow};
use aya::{
    maps::{MapError, MapType},
    programs::ProgramError,
    sys::{SyscallError, is_map_supported},
    util::KernelVersion,
};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

// Capability numbers of include/uapi/linux/capability.h.
const NET_ADMIN: u32 = 12;
const SYS_ADMIN: u32 = 21;
const PERFMON: u32 = 38;
const BPF: u32 = 39;

/// The verifier refuses to add a register to a packet pointer without CAP_PERFMON (kernel:
/// kernel/bpf/verifier.c, sanitize_ptr_alu); the place of the TCP header is such a sum.
const NEEDED: [(u32, &str); 3] = [
    (BPF, "CAP_BPF"),
    (NET_ADMIN, "CAP_NET_ADMIN"),
    (PERFMON, "CAP_PERFMON"),
];

/// Says why the kernel refused: a capability that is missing, or something that this kernel does
/// not have.
pub(super) fn explain(error: Error) -> Error {
    match os_error(&error) {
        Some(libc::EPERM | libc::EACCES) => match missing() {
            Some(missing) => anyhow!("not enough privilege: {missing} is missing"),
            None => match hindrance() {
                Some(hindrance) => anyhow!("the kernel refuses: {hindrance}"),
                None => error,
            },
        },
        // The newest of what the programs and their maps need.
        Some(libc::EINVAL) if matches!(is_map_supported(MapType::RingBuf), Ok(false)) => {
            anyhow!("this kernel is too old: it has no BPF ring buffer (Linux 5.8 or newer has it)")
        }
        Some(libc::ENOSYS) => error.context("this kernel has no BPF (CONFIG_BPF_SYSCALL)"),
        _ => error,
    }
}

/// What else than a missing capability makes the kernel refuse.
fn hindrance() -> Option<String> {
    let is_filtered = || status("Seccomp:").is_some_and(|mode| mode != "0");
    if is_in_user_namespace() {
        return Some(
            "in a user namespace no capability is enough for BPF: run it outside of containers \
             that are not privileged"
                .to_owned(),
        );
    }
    if is_bpf_refused() && is_filtered() {
        return Some(
            "a seccomp filter forbids the system call bpf(2): allow it (systemd: \
             SystemCallFilter=bpf; containers: their seccomp profile)"
                .to_owned(),
        );
    }
    let (limit_bytes, _) = getrlimit(Resource::RLIMIT_MEMLOCK).ok()?;
    // Maps count as locked memory before Linux 5.11.
    let is_charged = KernelVersion::current().ok()? < KernelVersion::new(5, 11, 0);
    (is_charged && limit_bytes != RLIM_INFINITY).then(|| {
        format!(
            "the limit of locked memory (RLIMIT_MEMLOCK), to which this kernel counts BPF maps, is \
             {limit_bytes} bytes, and to raise it takes CAP_SYS_RESOURCE: raise it before \
             (`ulimit -l unlimited`; systemd: LimitMEMLOCK=infinity)"
        )
    })
}

/// Whether numbers of users are translated, which they are in all user namespaces but the first.
fn is_in_user_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    !map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Whether even a command that does not exist is refused, rather than not known.
fn is_bpf_refused() -> bool {
    // SAFETY: a command that does not exist reads no memory, and there are zero bytes to be read.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, libc::c_int::MAX, ptr::null_mut::<u8>(), 0) };
    result != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
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
    let effective = u64::from_str_radix(&status("CapEff:")?, 16).ok()?;
    let has = |capability: u32| effective >> capability & 1 == 1;
    // CAP_SYS_ADMIN was enough for all of BPF before there were CAP_BPF and CAP_PERFMON.
    let missing = |&&(capability, _): &&(u32, &str)| {
        !(has(capability) || has(SYS_ADMIN) && capability != NET_ADMIN)
    };
    let names: Vec<_> = NEEDED
        .iter()
        .filter(missing)
        .map(|(_, name)| *name)
        .collect();
    (!names.is_empty()).then(|| names.join(" and "))
}

/// A line of `/proc/self/status`, without the name with which it begins.
fn status(name: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}
