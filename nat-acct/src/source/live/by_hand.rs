//! Running a program by hand, which no interface does.

use std::io;

use anyhow::{Context as _, Error, Result};
use aya::{
    Ebpf,
    programs::{SchedClassifier, TestRun as _, TestRunOptions},
};

/// The programs do not look at it, but the kernel wants one (net/bpf/test_run.c, bpf_test_init).
const FRAME: [u8; 64] = [0; 64];

/// What became of a run.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Run {
    Done,
    /// A signal came, or there is no memory now: it may have run, or not.
    Again,
}

/// How often it is tried to have a program run.
const ATTEMPTS: u32 = 10;

/// Has the kernel run the program `name`, once or more often; tells whether it did.
///
/// # Errors
///
/// As [`run`].
pub(super) fn run_patiently(ebpf: &mut Ebpf, name: &str) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        if run(ebpf, name)? == Run::Done {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Has the kernel run the program `name` once.
///
/// # Errors
///
/// When there is no such program, or the kernel does not run it.
pub(super) fn run(ebpf: &mut Ebpf, name: &str) -> Result<Run> {
    let program: &mut SchedClassifier = ebpf
        .program_mut(name)
        .with_context(|| format!("the eBPF object has no program {name}"))?
        .try_into()?;
    let options = TestRunOptions {
        data_in: Some(&FRAME),
        ..TestRunOptions::new()
    };
    let ran = program.test_run(options).map_err(Error::new);
    match ran {
        Ok(_) => Ok(Run::Done),
        Err(error) if passes(&error) => Ok(Run::Again),
        Err(error) => Err(error.context(format!("cannot run the program {name}"))),
    }
}

/// Before Linux 5.13 a signal is an error also after the last run. The kernel takes memory for a packet as
/// it does for those that come in.
fn passes(error: &Error) -> bool {
    let system = error.root_cause().downcast_ref::<io::Error>();
    system.is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::Interrupted | io::ErrorKind::OutOfMemory
        )
    })
}

#[cfg(test)]
mod tests {
    use aya::{programs::ProgramError, sys::SyscallError};

    use super::*;

    #[test]
    fn a_signal_and_want_of_memory_pass() {
        let failed = |number| {
            Error::new(ProgramError::from(SyscallError {
                call: "bpf_prog_test_run",
                io_error: io::Error::from_raw_os_error(number),
            }))
        };
        assert!(passes(&failed(libc::EINTR)));
        assert!(passes(&failed(libc::ENOMEM)));
        assert!(!passes(&failed(libc::EPERM)));
    }
}
