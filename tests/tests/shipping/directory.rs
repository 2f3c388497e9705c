//! A directory for one test.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// An empty directory. It stays until the test runs again, so that one can look at what was left.
pub struct Directory(PathBuf);

impl Directory {
    /// Makes it, empty.
    pub fn make(name: &str) -> Result<Self> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The same with a slash behind it.
    pub fn slashed(&self) -> String {
        format!("{}/", self.0.display())
    }
}
