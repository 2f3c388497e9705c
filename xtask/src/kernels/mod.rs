//! `cargo xtask test --kernel SUITE`: tests on the kernels of Debian's suites, each in a virtual
//! machine over this machine's files.

mod archive;
mod binaries;
mod initramfs;
mod kernel;
mod machine;
mod outcome;
mod programs;
mod script;
mod selection;
mod suite;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use machine::Machine;
use outcome::Outcome;
use programs::Programs;
pub use suite::Suite;

use crate::process::root;

/// How long one kernel may take, from its start to the last test.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Runs the selected tests with this agent on the kernels of these suites.
pub fn run(suites: &[Suite], agent: &Path) -> Result<()> {
    let dir = root().join("target/kernels");
    let tests = binaries::build()?;
    let programs = Programs::ensure(&dir)?;
    let mut failed = Vec::new();
    for &suite in suites {
        let dir = dir.join(suite.name());
        if let Err(error) = on_kernel_of(suite, &dir, &programs, agent, &tests) {
            eprintln!("{suite}: {error:#}");
            failed.push(suite.name());
        }
    }
    ensure!(
        failed.is_empty(),
        "failed on the kernel of {}",
        failed.join(", ")
    );
    Ok(())
}

fn on_kernel_of(
    suite: Suite,
    dir: &Path,
    programs: &Programs,
    agent: &Path,
    tests: &BTreeMap<String, PathBuf>,
) -> Result<()> {
    let kernel = kernel::ensure(dir, suite, programs)?;
    println!("==> Linux {} of {suite}", kernel.release);
    let share = dir.join("share");
    script::write(&share, agent, tests)?;
    let machine = Machine {
        programs,
        kernel: &kernel,
        dir,
        share: &share,
    };
    let started = Instant::now();
    let mut outcome = Outcome::default();
    machine.run(LIMIT, |line| {
        println!("{:>5} s  {line}", started.elapsed().as_secs());
        outcome.read(line);
    })?;
    let missing = outcome.missing();
    if outcome.passed() == 0 {
        bail!("no test has passed\n{}", machine.last_messages());
    }
    ensure!(missing.is_empty(), "not passed: {}", missing.join(", "));
    println!(
        "==> {suite}: {} tests have passed on Linux {} in {} s",
        outcome.passed(),
        kernel.release,
        started.elapsed().as_secs()
    );
    Ok(())
}
