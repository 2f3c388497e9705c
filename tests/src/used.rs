//! What a process has used: memory and processors, as the kernel tells.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::wait::{PATIENCE, wait_until};

const A_WHILE: Duration = Duration::from_secs(1);
/// Of [`A_WHILE`].
const HARDLY_ANYTHING: Duration = Duration::from_millis(50);

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

/// Waits until a process does hardly anything any more.
///
/// # Errors
///
/// When it is always busy, or ends.
pub fn wait_idle(pid: u32) -> Result<()> {
    let mut last = (Instant::now(), processor_time(pid)?);
    wait_until(PATIENCE, "the process to have nothing to do", || {
        if last.0.elapsed() < A_WHILE {
            return Ok(None);
        }
        let now = (Instant::now(), processor_time(pid)?);
        let busy = now.1 - std::mem::replace(&mut last, now).1;
        Ok((busy < HARDLY_ANYTHING).then_some(()))
    })
}

/// A line of proc(5), `status`.
fn bytes(pid: u32, key: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u64 = kilobytes.with_context(|| format!("no {key}"))?.parse()?;
    Ok(kilobytes << 10)
}
