//! `cargo xtask test --kernel SUITE`: tests on the kernels of Debian's suites, each in a virtual
//! machine over this machine's files.

mod binaries;
pub mod initramfs;
pub mod kernel;
pub mod machine;
mod outcome;
mod page;
pub mod programs;
mod script;
mod selection;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use machine::Machine;
use outcome::Outcome;
use programs::Programs;
use selection::{Test, selected};

use crate::process::root;
use crate::suite::Suite;

/// How long one kernel may take, from its start to the last test.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Which tests are to run on which kernels.
pub struct Plan<'a> {
    pub suites: &'a [Suite],
    /// Tests of the selection whose names contain one of these; all if there are none.
    pub words: &'a [String],
    /// Whether to write the page about what they have shown.
    pub write_page: bool,
}

/// Runs them with this agent.
pub fn run(plan: &Plan<'_>, agent: &Path) -> Result<()> {
    let dir = root().join("target/kernels");
    let tests = selected(plan.words);
    ensure!(
        !tests.is_empty(),
        "no test has such a name: {:?}",
        plan.words
    );
    let binaries = binaries::build(&tests)?;
    let programs = Programs::ensure(&dir)?;
    let share_of = |suite: Suite| dir.join(suite.name()).join("share");
    let mut failed = Vec::new();
    for &suite in plan.suites {
        let dir = dir.join(suite.name());
        let kernel = kernel::ensure(&dir, suite, &programs)?;
        println!("==> Linux {} of {suite}", kernel.release);
        // The page rests on what all tests have left.
        let share = if plan.words.is_empty() {
            share_of(suite)
        } else {
            dir.join("share-of-some")
        };
        script::write(&share, &tests, &binaries, agent)?;
        let machine = Machine {
            programs: &programs,
            kernel: &kernel,
            dir: &dir,
            share: &share,
        };
        match test(&machine, &tests) {
            Ok(()) if plan.words.is_empty() => page::remember(&share, &kernel.release)?,
            Ok(()) => {}
            Err(error) => {
                eprintln!("{suite}: {error:#}");
                failed.push(suite.name());
            }
        }
    }
    if plan.write_page {
        page::write(share_of)?;
    }
    ensure!(
        failed.is_empty(),
        "failed on the kernel of {}",
        failed.join(", ")
    );
    Ok(())
}

fn test(machine: &Machine<'_>, tests: &[Test]) -> Result<()> {
    let started = Instant::now();
    let seconds = || started.elapsed().as_secs();
    let mut outcome = Outcome::of(tests);
    machine.run(LIMIT, |line| {
        println!("{:>5} s  {line}", seconds());
        outcome.read(line);
    })?;
    let not_passed = outcome.not_passed();
    let names: Vec<_> = not_passed.iter().map(|test| test.name).collect();
    ensure!(
        names.len() < tests.len(),
        "no test has passed\n{}",
        machine.last_messages()
    );
    ensure!(names.is_empty(), "not passed: {}", names.join(", "));
    println!(
        "==> all {} tests have passed, in {} s",
        tests.len(),
        seconds()
    );
    Ok(())
}
