//! The test programs, built here to be run on another kernel.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::selection::Test;
use crate::built;
use crate::process::{Cmd, cargo};

/// Where test programs are, by the names of their files.
pub type Binaries = BTreeMap<String, PathBuf>;

/// Builds them all; those of these tests must be among them.
pub fn build(tests: &[Test]) -> Result<Binaries> {
    println!("==> the test programs");
    let build = Cmd::new(&cargo()).args([
        "test",
        "-p",
        "nat-acct-tests",
        "--no-run",
        "--message-format=json",
    ]);
    let messages = build.stdout()?;
    let binaries: Binaries = built::programs(&messages, "test").collect();
    for test in tests {
        ensure!(
            binaries.contains_key(test.file),
            "cargo built no test {}",
            test.file
        );
    }
    Ok(binaries)
}
