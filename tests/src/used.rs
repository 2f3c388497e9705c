//! What a process has used: memory and processors, as the kernel tells.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// Bytes of memory that are the process's alone: not those of maps, which it shares with the kernel.
///
/// # Errors
///
/// When there is no such process.
pub fn own_bytes(pid: u32) -> Result<u64> {
    bytes(pid, "RssAnon:")
}

/// All bytes of memory that the process has.
///
/// # Errors
///
/// When there is no such process.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    bytes(pid, "VmRSS:")
}

/// The most bytes of memory that the process ever had.
///
/// # Errors
///
/// When there is no such process.
pub fn most_bytes(pid: u32) -> Result<u64> {
    bytes(pid, "VmHWM:")
}

/// How long processors have worked for it, in user and kernel space.
///
/// # Errors
///
/// When there is no such process.
pub fn processor_time(pid: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?;
    Ok(clock_gettime(clock)?.into())
}

/// A line of proc(5), `status`.
fn bytes(pid: u32, key: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u64 = kilobytes.with_context(|| format!("no {key}"))?.parse()?;
    Ok(kilobytes << 10)
}
