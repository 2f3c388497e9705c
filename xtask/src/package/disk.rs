//! The disk of a fresh Debian, with a kernel's modules and what the test brings.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nat_acct_tests::privilege::is_root;

use crate::apt;
use crate::archive::mirror;
use crate::kernels::kernel::Kernel;
use crate::process::{Cmd, find};

const SUITE: &str = "bookworm";
/// What a minimal Debian lacks: systemd, and what the gateway and the test are made of.
const PACKAGES: &str = "systemd-sysv,udev,kmod,procps,iproute2,nftables,socat,jq";
const SIZE: &str = "1500M";

/// What the test brings: where, what, and with what permissions.
const FILES: [(&str, &str, u32); 5] = [
    ("root/test.sh", include_str!("test.sh"), 0o755),
    ("root/gateway.sh", include_str!("gateway.sh"), 0o755),
    (
        "etc/systemd/system/gateway.service",
        include_str!("gateway.service"),
        0o644,
    ),
    (
        "etc/systemd/system/test.service",
        include_str!("test.service"),
        0o644,
    ),
    ("etc/fstab", "", 0o644),
];

/// Makes it in `dir`, with these packages to be installed; returns the file.
pub fn make(dir: &Path, kernel: &Kernel, packages: &[PathBuf]) -> Result<PathBuf> {
    let root = fresh_debian(dir)?;
    println!("==> the disk");
    let modules = root.join("lib/modules");
    let _ = fs::remove_dir_all(&modules);
    Cmd::new("cp -a")
        .arg(kernel.modules.display().to_string())
        .arg(modules.display().to_string())
        .run()?;
    // Its own, because modprobe reads what another depmod does not write.
    Cmd::new("chroot")
        .arg(root.display().to_string())
        .args(["depmod", &kernel.release])
        .run()?;
    for (number, package) in packages.iter().enumerate() {
        fs::copy(package, root.join(format!("root/{number}.deb")))
            .with_context(|| format!("no package {}", package.display()))?;
    }
    for (path, text, mode) in FILES {
        let path = root.join(path);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    Cmd::new("systemctl enable gateway.service test.service --quiet --root")
        .arg(root.display().to_string())
        .run()?;
    let disk = dir.join("disk");
    let _ = fs::remove_file(&disk);
    Cmd::new("mke2fs -q -t ext4 -d")
        .arg(root.display().to_string())
        .arg(disk.display().to_string())
        .arg(SIZE)
        .run()?;
    Ok(disk)
}

/// A Debian that nobody has used, from the mirror if it is not there yet.
fn fresh_debian(dir: &Path) -> Result<PathBuf> {
    let (root, complete) = (dir.join("root"), dir.join("complete"));
    if complete.exists() {
        return Ok(root);
    }
    if !is_root() {
        bail!("to make a root file system takes root");
    }
    if find("mmdebstrap").is_none() {
        apt::install(&["mmdebstrap"])?;
    }
    println!("==> a fresh Debian ({SUITE})");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(dir)?;
    Cmd::new("mmdebstrap --quiet --variant=minbase")
        .arg(format!("--include={PACKAGES}"))
        .arg(SUITE)
        .arg(root.display().to_string())
        .arg(mirror())
        .run()?;
    fs::write(&complete, "").context("cannot note that it is complete")?;
    Ok(root)
}
