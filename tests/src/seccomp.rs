//! A kernel that lacks something, for one program: a seccomp filter lets its
//! system call bpf(2) fail.

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc;

/// Which calls of bpf(2) fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bpf {
    /// All of them, as in a kernel without `CONFIG_BPF_SYSCALL`.
    Absent,
    /// All of them, forbidden rather than unknown, as by a container's filter.
    Forbidden,
    /// Those that make a link, as in a kernel before TCX.
    WithoutLinks,
    /// Those that make a map, as in a kernel that has no map of the wanted type.
    WithoutMaps,
}

/// Commands of include/uapi/linux/bpf.h.
const MAP_CREATE: u32 = 0;
const LINK_CREATE: u32 = 28;

/// Offsets in `struct seccomp_data`: the number of the call, and the lower half
/// of its first argument.
const NUMBER: u32 = 0;
const COMMAND: u32 = if cfg!(target_endian = "little") {
    16
} else {
    20
};

/// Has the program that the command starts, and its children, see this kernel.
pub fn restrict(command: &mut Command, bpf: Bpf) {
    let mut filter = filter(bpf);
    let install = move || install(&mut filter);
    // SAFETY: the closure only makes two system calls; it neither allocates nor
    // takes a lock.
    #[expect(unsafe_code, reason = "there is no other hook between fork and exec")]
    unsafe {
        command.pre_exec(install);
    }
}

fn filter(bpf: Bpf) -> Vec<libc::sock_filter> {
    let number = u32::try_from(libc::SYS_bpf).expect("a small number");
    match bpf {
        Bpf::Absent => without_all(number, libc::ENOSYS),
        Bpf::Forbidden => without_all(number, libc::EPERM),
        Bpf::WithoutLinks => without(number, LINK_CREATE),
        Bpf::WithoutMaps => without(number, MAP_CREATE),
    }
}

fn without_all(number: u32, errno: i32) -> Vec<libc::sock_filter> {
    vec![
        load(NUMBER),
        skip_unless_equal(number, 1),
        fail(errno),
        allow(),
    ]
}

fn without(number: u32, command: u32) -> Vec<libc::sock_filter> {
    vec![
        load(NUMBER),
        skip_unless_equal(number, 3),
        load(COMMAND),
        skip_unless_equal(command, 1),
        fail(libc::EINVAL),
        allow(),
    ]
}

fn load(offset: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset)
}

fn skip_unless_equal(value: u32, skipped: u8) -> libc::sock_filter {
    statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, skipped, value)
}

fn fail(errno: i32) -> libc::sock_filter {
    let errno = errno.unsigned_abs() & libc::SECCOMP_RET_DATA;
    statement(
        libc::BPF_RET | libc::BPF_K,
        0,
        libc::SECCOMP_RET_ERRNO | errno,
    )
}

fn allow() -> libc::sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW)
}

fn statement(code: u32, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: u16::try_from(code).expect("a small number"),
        jt: 0,
        jf,
        k,
    }
}

fn install(filter: &mut [libc::sock_filter]) -> std::io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).expect("a short filter"),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel reads the program, which outlives the call.
    #[expect(unsafe_code, reason = "nix has no seccomp")]
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
