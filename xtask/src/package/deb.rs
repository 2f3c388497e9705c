//! `cargo xtask deb`: the Debian package.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::pages;
use crate::agent;
use crate::process::{Cmd, cargo, cargo_bin, find, root};

const CARGO_DEB_VERSION: &str = "3.8.0";

/// Makes it, and has lintian look at it where that is installed.
pub fn make() -> Result<()> {
    let packages = build(&root().join("target/debian"), &["1"])?;
    if find("lintian").is_some() {
        packages.iter().try_for_each(|package| check(package))
    } else {
        println!("==> lintian is not installed: nobody has looked at the package");
        Ok(())
    }
}

/// The packages of these revisions, which differ in nothing else, in `dir`.
pub fn build(dir: &Path, revisions: &[&str]) -> Result<Vec<PathBuf>> {
    pages::write()?;
    agent::build()?;
    let cargo_deb = ensure_cargo_deb()?;
    println!("==> the package");
    fs::create_dir_all(dir)?;
    let pack = |revision: &&str| {
        let written = Cmd::of(&cargo_deb)
            .args(["-q", "-p", "nat-acct", "--no-build", "--strip"])
            .args(["--deb-revision", *revision, "--output"])
            .arg(dir.display().to_string())
            .stdout()?;
        let path = written.lines().last().context("cargo-deb made nothing")?;
        println!("{path}");
        Ok(PathBuf::from(path))
    };
    revisions.iter().map(pack).collect()
}

fn ensure_cargo_deb() -> Result<PathBuf> {
    let installed = cargo_bin().join("cargo-deb");
    if installed.is_file() {
        return Ok(installed);
    }
    if let Some(path) = find("cargo-deb") {
        return Ok(path);
    }
    println!("==> cargo-deb, which is missing (some minutes)");
    Cmd::new(&cargo())
        .args(["install", "cargo-deb", "--locked", "--version"])
        .arg(CARGO_DEB_VERSION)
        .run()?;
    Ok(installed)
}

/// What is not clean and why is in `packaging/lintian-overrides`.
fn check(package: &Path) -> Result<()> {
    println!("==> lintian");
    Cmd::new("lintian --fail-on error,warning --tag-display-limit 0")
        .arg(package.display().to_string())
        .within(root().to_owned())
        .run()
}
