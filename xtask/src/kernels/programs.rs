//! The programs that boot a kernel. What this machine lacks is unpacked, not installed: QEMU's
//! packages often do not go together with those that are there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::apt;
use crate::archive::Archive;
use crate::process::{Cmd, find};

const PACKAGES: [&str; 2] = ["qemu-system-x86", "busybox-static"];
/// Where QEMU's packages put firmware.
const FIRMWARE: [&str; 2] = ["usr/share/qemu", "usr/share/seabios"];
const LIBRARIES: [&str; 2] = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
const PROGRAMS: [&str; 2] = ["usr/bin", "bin"];

/// Where the programs are.
pub struct Programs {
    unpacked: PathBuf,
}

impl Programs {
    /// Unpacks below `dir` what is not installed.
    pub fn ensure(dir: &Path) -> Result<Self> {
        let dir = dir.join("programs");
        let unpacked = dir.join("root");
        let missing: Vec<_> = PACKAGES
            .into_iter()
            .filter(|package| !apt::installed(package))
            .collect();
        let complete = dir.join("complete");
        if !missing.is_empty() && !complete.exists() {
            println!("==> {}, unpacked in target/kernels", missing.join(" and "));
            Archive::of_this_machine(&dir)?.unpack_with_dependencies(&missing)?;
            fs::write(complete, "")?;
        }
        Ok(Self { unpacked })
    }

    /// QEMU, but for its options.
    pub fn qemu(&self) -> Result<Cmd> {
        let qemu = self.program("qemu-system-x86_64")?;
        let libraries = LIBRARIES.map(|dir| self.unpacked.join(dir).display().to_string());
        let mut qemu = Cmd::of(&qemu).env("LD_LIBRARY_PATH", libraries.join(":"));
        for root in [&*self.unpacked, Path::new("/")] {
            for dir in FIRMWARE {
                qemu = qemu.arg("-L").arg(root.join(dir).display().to_string());
            }
        }
        Ok(qemu)
    }

    /// busybox, which needs no libraries.
    pub fn busybox(&self) -> Result<PathBuf> {
        self.program("busybox")
    }

    fn program(&self, name: &str) -> Result<PathBuf> {
        let unpacked = PROGRAMS.map(|dir| self.unpacked.join(dir).join(name));
        let unpacked = unpacked.into_iter().find(|file| file.is_file());
        unpacked
            .or_else(|| find(name))
            .with_context(|| format!("no program {name}: remove target/kernels/programs"))
    }
}
