//! How long processes have had a processor, to the nanosecond: others that want it too do not count.
//! A kernel without `CONFIG_IRQ_TIME_ACCOUNTING` adds what it does for packets (softirqs) to whoever
//! runs then: to the thread that sent them.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nat_acct_tests::used::processor_time;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// The CPU time of a process and of those that it has started.
pub struct Clock(Vec<u32>);

impl Clock {
    /// Of a process, and of its descendants by now.
    pub fn of(pid: u32) -> Result<Self> {
        Ok(Self(with_descendants(pid)?))
    }

    /// In user and kernel space, of all threads, ended ones too. That a process has ended is an error.
    pub fn read(&self) -> Result<Duration> {
        let times = self.0.iter().map(|&pid| processor_time(pid));
        times
            .sum::<Result<_>>()
            .context("a process of the program has ended")
    }
}

/// The thread of the kernel that takes over when there is too much to do for packets on a CPU.
pub fn kernel_thread(cpu: usize) -> Result<Clock> {
    let name = format!("ksoftirqd/{cpu}");
    let pid = processes()?
        .into_iter()
        .find(|process| process.name == name);
    Ok(Clock(vec![pid.with_context(|| format!("no {name}"))?.pid]))
}

/// Of all processes that this one has started and that have ended.
pub fn of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(us.unsigned_abs()))
}

struct Process {
    pid: u32,
    parent: u32,
    name: String,
}

fn with_descendants(pid: u32) -> Result<Vec<u32>> {
    let all = processes()?;
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let children = all.iter().filter(|process| process.parent == parent);
        family.extend(children.map(|process| process.pid));
        next += 1;
    }
    Ok(family)
}

fn processes() -> Result<Vec<Process>> {
    let entries = fs::read_dir("/proc")?.flatten();
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    Ok(stats.filter_map(|stat| process(&stat)).collect())
}

/// Of a line `17 (ksoftirqd/1) S 2 …`; a name may have brackets, too.
fn process(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    Some(Process {
        pid: pid.parse().ok()?,
        parent: rest.split_whitespace().nth(1)?.parse().ok()?,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::process;

    #[test]
    fn a_name_may_have_brackets() {
        let process = process("17 (a) b) S 2 0 0").expect("that is how it is written");
        assert_eq!((process.pid, process.parent), (17, 2));
        assert_eq!(process.name, "a) b");
    }
}
