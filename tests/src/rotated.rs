//! The files that an agent makes of its output by rotating it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The output and all that it was rotated to, in the order of their records.
pub fn files(output: &Path) -> Result<Vec<PathBuf>> {
    let dir = output.parent().context("a file without a directory")?;
    let entries = fs::read_dir(dir)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    // The output itself sorts before those with something behind its name.
    paths.retain(|path| path != output);
    paths.sort();
    if output.exists() {
        paths.push(output.to_owned());
    }
    Ok(paths)
}

/// All records in these files, as everybody reads them. Lines that are no JSON are left out, of which
/// there may be so many.
pub fn records(files: &[PathBuf], torn: usize) -> Result<Vec<Value>> {
    let mut records = Vec::new();
    let mut broken = Vec::new();
    for path in files {
        for line in text(path)?.lines() {
            match serde_json::from_str(line) {
                Ok(record) => records.push(record),
                Err(_) => broken.push(line.to_owned()),
            }
        }
    }
    ensure!(broken.len() <= torn, "{broken:?}");
    Ok(records)
}

fn text(path: &Path) -> Result<String> {
    if path.extension().is_some_and(|extension| extension == "zst") {
        let done = Command::new("zstd").arg("-dcq").arg(path).output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{}: {said}", path.display());
        return Ok(String::from_utf8(done.stdout)?);
    }
    Ok(fs::read_to_string(path)?)
}
