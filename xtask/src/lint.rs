//! `cargo xtask lint`: format and lints of everything, the kernel programs
//! included.

use anyhow::{Result, bail};

use crate::build_ebpf;
use crate::process::{Cmd, cargo};

pub fn run() -> Result<()> {
    // The agent embeds the object, so without it nothing of the agent compiles.
    build_ebpf::ensure()?;
    let checks = [
        ("format", cmd("fmt --all -- --check")),
        ("lints", cmd("clippy --all-targets -- -D warnings")),
        ("lints of the kernel programs", kernel_programs()),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        println!("==> {name}");
        if let Err(error) = check.run() {
            eprintln!("{error}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("{} failed", failed.join(", "))
    }
}

/// Checked for this machine, not for eBPF: any stable clippy can do that,
/// whichever toolchain the object is built with. What has no standard library
/// cannot unwind.
fn kernel_programs() -> Cmd {
    cmd("clippy -p nat-acct-ebpf -- -D warnings").env("CARGO_PROFILE_DEV_PANIC", "abort")
}

fn cmd(arguments: &str) -> Cmd {
    Cmd::new(&format!("{} {arguments}", cargo()))
}
