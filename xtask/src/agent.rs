//! Building the agent as users run it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nat_acct_tests::agent::BINARY;

use crate::process::{Cmd, cargo};

/// Builds it, unless the environment names one that was built already; returns
/// where it is.
pub fn build() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(BINARY).filter(|path| !path.is_empty()) {
        return std::path::absolute(path).context("the path of the agent");
    }
    println!("==> the agent");
    Cmd::new(&cargo())
        .args(["build", "--release", "-p", "nat-acct"])
        .run()?;
    // Beside this program, so that a target directory elsewhere is found too.
    let this = std::env::current_exe()?;
    let target = this
        .parent()
        .and_then(Path::parent)
        .context("xtask lies in no target directory")?;
    let agent = target.join("release/nat-acct");
    ensure!(agent.exists(), "cargo built no {}", agent.display());
    Ok(agent)
}
