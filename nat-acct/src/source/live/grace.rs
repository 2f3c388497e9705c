//! Waiting until no program is at work any more on what was unlinked.

use std::{thread, time::Duration};

/// How long to wait where the kernel offers nothing exact. Programs run for microseconds, with
/// preemption off.
const FALLBACK: Duration = Duration::from_millis(50);

/// Blocks until each program run that had begun before the call has ended.
/// `MEMBARRIER_CMD_GLOBAL` waits for an RCU grace period (kernel: kernel/sched/membarrier.c), and
/// TC programs run inside RCU read-side sections.
pub fn wait() {
    // SAFETY: the call takes no pointers.
    let result = unsafe { libc::syscall(libc::SYS_membarrier, libc::MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if result != 0 {
        thread::sleep(FALLBACK);
    }
}
