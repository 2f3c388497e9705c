//! `cargo xtask pages`: manual pages, completions and the default configuration.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::build_ebpf;
use crate::process::{Cmd, cargo, root};

/// Writes them, in the place of earlier ones; returns the directory.
pub fn write() -> Result<PathBuf> {
    build_ebpf::ensure()?;
    println!("==> manual pages and completions");
    let dir = root().join("target/pages");
    let _ = fs::remove_dir_all(&dir);
    Cmd::new(&cargo())
        .args(["run", "-q", "-p", "nat-acct", "--example", "pages", "--"])
        .arg(dir.display().to_string())
        .run()?;
    Ok(dir)
}
