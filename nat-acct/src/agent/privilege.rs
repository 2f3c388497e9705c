//! Why the kernel refused us, found out rather than guessed.

use std::{fs, io};

use anyhow::{Error, anyhow};
use aya::{
    maps::{MapError, MapType},
    programs::ProgramError,
    sys::{SyscallError, is_map_supported},
};

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
            // Capabilities that hold in there only.
            None if is_in_user_namespace() => anyhow!(
                "not enough privilege: from within a user namespace nobody may load BPF programs; \
                 run the agent outside of it"
            ),
            None => error,
        },
        // The newest of what the programs and their maps need.
        Some(libc::EINVAL) if matches!(is_map_supported(MapType::RingBuf), Ok(false)) => {
            anyhow!("this kernel is too old: it has no BPF ring buffer (Linux 5.8 or newer has it)")
        }
        Some(libc::ENOSYS) => error.context("this kernel has no BPF (CONFIG_BPF_SYSCALL)"),
        _ => error,
    }
}

/// The first one maps all user ids to themselves (user_namespaces(7)).
fn is_in_user_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    !map.split_whitespace().eq(["0", "0", "4294967295"])
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
