//! Running a program by hand, which no interface does.

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    programs::{SchedClassifier, TestRun as _, TestRunOptions},
};

/// The programs do not look at it, but the kernel wants one (net/bpf/test_run.c, bpf_test_init).
const FRAME: [u8; 64] = [0; 64];

/// Has the kernel run the program `name` once.
///
/// # Errors
///
/// When there is no such program, or the kernel does not run it.
pub(super) fn run(ebpf: &mut Ebpf, name: &str) -> Result<()> {
    let program: &mut SchedClassifier = ebpf
        .program_mut(name)
        .with_context(|| format!("the eBPF object has no program {name}"))?
        .try_into()?;
    let options = TestRunOptions {
        data_in: Some(&FRAME),
        ..TestRunOptions::new()
    };
    let run = program.test_run(options);
    run.with_context(|| format!("cannot run the program {name}"))?;
    Ok(())
}
