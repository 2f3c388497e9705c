//! Debian packages: which are there, and installing what is missing without a
//! question asked, a service started or another package removed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};

use crate::process::{Cmd, find};

/// Asked by Debian's packages before they start a service; 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const FORBID: &str = "#!/bin/sh\n# written by nat-acct's xtask while it installs\nexit 101\n";

/// Whether this machine has apt.
pub fn present() -> bool {
    find("apt-get").is_some()
}

/// Whether apt knows any package yet; a fresh container does not.
pub fn lists_present() -> bool {
    fs::read_dir("/var/lib/apt/lists").is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    })
}

/// Whether the package is installed.
pub fn installed(package: &str) -> bool {
    let answer = Cmd::new("dpkg-query -W -f=${Status}").arg(package).ask();
    answer.is_some_and(|status| status == "install ok installed")
}

/// The version that would be installed.
pub fn candidate(package: &str) -> Option<String> {
    let policy = Cmd::new("apt-cache policy").arg(package).ask()?;
    let line = policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (line != "(none)").then(|| line.to_owned())
}

/// The command that installs packages.
pub fn install_command<'a>(packages: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::new("apt-get install -y --no-install-recommends --no-remove").args(packages)
}

/// Has apt learn which packages there are, as root.
pub fn update() -> Result<()> {
    unattended(Cmd::new("apt-get update"))
}

/// Installs packages, as root.
pub fn install(packages: &[&str]) -> Result<()> {
    let _no_services = NoServices::begin()?;
    let install = || unattended(install_command(packages.iter().copied()));
    if packages.iter().all(|package| candidate(package).is_some()) && install().is_ok() {
        return Ok(());
    }
    // The lists are missing, or name versions that the mirror no longer has.
    update()?;
    install()
}

fn unattended(cmd: Cmd) -> Result<()> {
    let cmd = cmd.env("DEBIAN_FRONTEND", "noninteractive");
    cmd.args([
        "-q",
        "-o",
        "Dpkg::Use-Pty=0",
        "-o",
        "DPkg::Lock::Timeout=300",
    ])
    .run()
}

/// While it lives, no package starts its service. A policy of the machine's own
/// stays as it is.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self> {
        if fs::read_to_string(POLICY).is_ok_and(|text| text == FORBID) {
            // Left by a run that was killed.
            return Ok(Self { ours: true });
        }
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(POLICY)
            .with_context(|| format!("cannot write {POLICY}"))?;
        file.write_all(FORBID.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(0o755))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
