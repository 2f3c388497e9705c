//! The shippers: Debian's programs, which `cargo xtask test` unpacks, with the configurations of
//! contrib/.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The project's root.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the project's root")
}

/// Where `cargo xtask test` unpacks what it does not install.
fn unpacked() -> PathBuf {
    project().join("target/shipping")
}

/// A program of Debian's, unpacked or installed.
pub fn program(path: &str) -> Result<Command> {
    let found = roots().map(|root| root.join(path));
    let found = found.into_iter().find(|file| file.exists());
    beside(found.with_context(|| format!("no {path}: run `cargo xtask test`"))?)
}

/// Any program, with the libraries that were unpacked.
pub fn beside(program: impl AsRef<OsStr>) -> Result<Command> {
    let [unpacked, _] = roots();
    let mut libraries = vec![unpacked.join("usr/lib/syslog-ng")];
    for parent in ["usr/lib", "lib"] {
        let dirs = subdirectories(&unpacked.join(parent));
        libraries.extend(dirs.filter(|dir| dir.to_string_lossy().ends_with("-linux-gnu")));
    }
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
    Ok(command)
}

/// All directories `below/*/rest`, joined by colons: only Debian knows what is between.
pub fn directories(below: &str, rest: &str) -> Result<OsString> {
    let between = roots().map(|root| subdirectories(&root.join(below)));
    let all = between.into_iter().flatten().map(|dir| dir.join(rest));
    let all: Vec<_> = all.filter(|dir| dir.is_dir()).collect();
    ensure!(!all.is_empty(), "no {below}/*/{rest}");
    Ok(std::env::join_paths(all)?)
}

fn roots() -> [PathBuf; 2] {
    [unpacked().join("root"), PathBuf::from("/")]
}

fn subdirectories(parent: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
}

/// A configuration of contrib/ with these words in the place of its own.
pub fn contrib(file: &str, replaced: &[(&str, &str)]) -> Result<String> {
    let path = project().join("contrib").join(file);
    let mut text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    for (own, other) in replaced {
        ensure!(text.contains(own), "contrib/{file} says nothing of {own}");
        text = text.replace(own, other);
    }
    Ok(text)
}
