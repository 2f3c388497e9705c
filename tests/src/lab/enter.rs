//! A closure in another network namespace. The namespace belongs to the
//! thread, so the closure gets a thread of its own, and nothing has to be
//! undone.

use std::fs::File;
use std::panic::resume_unwind;

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, setns};

pub fn enter<T: Send>(netns: &str, inside: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let path = format!("/run/netns/{netns}");
    let file = File::open(&path).with_context(|| format!("cannot open {path}"))?;
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            setns(&file, CloneFlags::CLONE_NEWNET)
                .with_context(|| format!("cannot enter {netns}"))?;
            inside()
        });
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
