//! `cargo xtask` builds without optimisation, which is right for everything else that it does. What
//! generates load or measures in this process has to be built with it.

use anyhow::Result;

use crate::process::{Cmd, cargo};

/// Runs the same command in an optimised build, unless this is one; whether it did.
pub fn run_instead() -> Result<bool> {
    if !cfg!(debug_assertions) {
        return Ok(false);
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    Cmd::new(&cargo())
        .args(["run", "--quiet", "--release", "--package", "xtask", "--"])
        .args(arguments.iter().map(String::as_str))
        .run()?;
    Ok(true)
}
