//! What the kernel tells of the descriptors that a process holds: `/proc/<pid>/fdinfo`.

use std::fs;

use anyhow::{Context, Result};

/// What it tells of one.
pub struct FdInfo(String);

/// All of them that are not closed meanwhile.
///
/// # Errors
///
/// When there is no such process.
pub fn held_by(pid: u32) -> Result<impl Iterator<Item = FdInfo>> {
    let dir = format!("/proc/{pid}/fdinfo");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {dir}"))?;
    let infos = entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path()).ok());
    Ok(infos.map(FdInfo))
}

impl FdInfo {
    /// What is under this name, if there is something.
    pub fn text(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(value.trim())
    }

    /// The number under this name, if there is one.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}
