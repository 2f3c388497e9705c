//! `cargo xtask test --package`: installs the package on a fresh Debian with systemd as its first
//! process, in a virtual machine, and looks whether it does what an administrator expects.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{deb, disk};
use crate::kernels::initramfs::{self, Init};
use crate::kernels::kernel;
use crate::kernels::machine::{qemu, run as run_qemu};
use crate::kernels::programs::Programs;
use crate::process::root;
use crate::suite::Suite;

const INIT: Init = Init {
    script: include_str!("init.sh"),
    modules: &["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"],
};
/// Where the processors are emulated, it takes some minutes.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// What the script inside says when it has found that something holds.
const HOLDS: &str = "holds: ";

pub fn run() -> Result<()> {
    let dir = root().join("target/package");
    let packages = deb::build(&dir, &["1", "2"])?;
    let kernels = root().join("target/kernels");
    let programs = Programs::ensure(&kernels)?;
    let kernel = kernel::ensure(&kernels.join("bookworm"), Suite::Bookworm, &programs)?;
    let disk = disk::make(&dir, &kernel, &packages)?;
    let initramfs = initramfs::make(&dir, &INIT, &kernel, &programs)?;
    println!("==> Linux {} boots", kernel.release);
    let console = dir.join("console.log");
    let machine = qemu(&programs)?
        .arg("-kernel")
        .arg(kernel.image.display().to_string())
        .arg("-initrd")
        .arg(initramfs.display().to_string())
        .args(["-append", "console=ttyS0 quiet panic=-1"])
        .arg("-drive")
        .arg(format!(
            "file={},format=raw,if=virtio,cache=unsafe",
            disk.display()
        ))
        .arg("-serial")
        .arg(format!("file:{}", console.display()))
        .args(["-serial", "stdio"]);
    let started = Instant::now();
    let mut held = BTreeSet::new();
    run_qemu(&machine, LIMIT, |line| {
        println!("{:>5} s  {line}", started.elapsed().as_secs());
        held.extend(line.strip_prefix(HOLDS).map(str::to_owned));
    })
    .with_context(|| format!("the console is in {}", console.display()))?;
    let missing: Vec<_> = expected().filter(|what| !held.contains(*what)).collect();
    ensure!(missing.is_empty(), "does not hold: {}", missing.join("; "));
    fs::remove_file(disk)?;
    println!("==> all holds, in {} s", started.elapsed().as_secs());
    Ok(())
}

/// All that the script looks at, in its own words.
fn expected() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("test.sh").lines();
    lines.filter_map(|line| line.trim().strip_prefix("holds \"")?.strip_suffix('"'))
}
