//! The test programs, built here to be run on another kernel.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::selection::Test;
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
    let binaries: Binaries = messages.lines().filter_map(binary).collect();
    for test in tests {
        ensure!(
            binaries.contains_key(test.file),
            "cargo built no test {}",
            test.file
        );
    }
    Ok(binaries)
}

/// A test program that a message of cargo speaks of.
fn binary(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let is_test = target["kind"][0] == "test";
    let binary = message["executable"].as_str().filter(|_| is_test)?;
    Some((target["name"].as_str()?.to_owned(), binary.into()))
}
