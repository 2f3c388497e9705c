//! The processor that a thread runs on, and how long it has had it.

use std::time::Duration;

use anyhow::Result;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// From now on the thread runs on this one alone.
///
/// # Errors
///
/// When there is no such processor.
pub fn stay_on(processor: usize) -> Result<()> {
    keep_on(0, processor)
}

/// From now on the thread with this number runs on this one alone; a process's number is that of its
/// first thread.
///
/// # Errors
///
/// When there is no such thread or processor.
pub fn keep_on(thread: u32, processor: usize) -> Result<()> {
    let mut this = CpuSet::new();
    this.set(processor)?;
    Ok(sched_setaffinity(
        Pid::from_raw(thread.cast_signed()),
        &this,
    )?)
}

/// From now on the thread stays where it is.
///
/// # Errors
///
/// As [`stay_on`].
pub fn stay() -> Result<()> {
    stay_on(sched_getcpu()?)
}

/// How long the thread has run: others that want the processor too do not count.
///
/// # Errors
///
/// When the kernel has no such clock.
pub fn time_taken() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}
