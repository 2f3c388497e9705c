//! The test programs, built here to be run on another kernel.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::selection::TESTS;
use crate::process::{Cmd, cargo};

/// Where the test programs are, by the names of their files.
pub fn build() -> Result<BTreeMap<String, PathBuf>> {
    println!("==> the test programs");
    let build = Cmd::new(&cargo()).args([
        "test",
        "-p",
        "nat-acct-tests",
        "--no-run",
        "--message-format=json",
    ]);
    let messages = build.stdout()?;
    let programs: BTreeMap<_, _> = messages.lines().filter_map(program).collect();
    for file in TESTS {
        ensure!(
            programs.contains_key(file.name),
            "cargo built no test {}",
            file.name
        );
    }
    Ok(programs)
}

/// A test program that a message of cargo speaks of.
fn program(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let is_test = target["kind"][0] == "test";
    let program = message["executable"].as_str().filter(|_| is_test)?;
    Some((target["name"].as_str()?.to_owned(), program.into()))
}
