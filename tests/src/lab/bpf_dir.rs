//! A file system for pinned eBPF objects in the lab's directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

const NAME: &str = "bpf";

/// Mounts it when it is first asked for.
pub fn mounted(lab_dir: &Path) -> Result<PathBuf> {
    let dir = lab_dir.join(NAME);
    if !dir.exists() {
        fs::create_dir(&dir)?;
        mount(
            Some(NAME),
            &dir,
            Some("bpf"),
            MsFlags::empty(),
            None::<&str>,
        )
        .with_context(|| format!("cannot mount {}", dir.display()))?;
    }
    Ok(dir)
}

/// What is pinned there goes too, when nobody uses it.
pub fn unmount(lab_dir: &Path) {
    let _ = umount2(&lab_dir.join(NAME), MntFlags::MNT_DETACH);
}
