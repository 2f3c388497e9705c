//! What memory a process has, as the kernel tells it (proc_pid_status(5)).

use std::fs;

use anyhow::{Context, Result};

/// A field such as `VmRSS`, in bytes.
///
/// # Errors
///
/// When the process has ended, or there is no such field.
pub fn bytes(pid: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let is_it = |line: &&str| line.split_once(':').is_some_and(|(name, _)| name == field);
    let line = status.lines().find(is_it);
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: u64 = kilobytes.with_context(|| format!("no {field}"))?.parse()?;
    Ok(kilobytes << 10)
}
