//! The shippers: Debian's programs, which `cargo xtask test` unpacks, with the configurations of
//! contrib/.

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
pub fn unpacked() -> PathBuf {
    project().join("target/shipping")
}

/// A program of Debian's, unpacked or installed, and what belongs to it.
pub struct Program {
    root: PathBuf,
    path: &'static str,
}

impl Program {
    /// By its path in the file system, without the first `/`.
    pub fn find(path: &'static str) -> Result<Self> {
        let roots = [unpacked().join("root"), PathBuf::from("/")];
        let root = roots.into_iter().find(|root| root.join(path).exists());
        let root = root.with_context(|| format!("no {path}: run `cargo xtask test`"))?;
        Ok(Self { root, path })
    }

    /// The program with its libraries.
    pub fn command(&self) -> Result<Command> {
        self.with_libraries(Command::new(self.root.join(self.path)))
    }

    /// A program of this machine that uses its libraries.
    pub fn beside(&self, other: &str) -> Result<Command> {
        self.with_libraries(Command::new(other))
    }

    /// A directory that belongs to it; `*` stands for one whose name only Debian knows.
    pub fn dir(&self, path: &str) -> Result<PathBuf> {
        let Some((parent, rest)) = path.split_once("/*") else {
            return Ok(self.root.join(path));
        };
        let candidates = self.dirs_with(parent, "");
        let dirs = candidates
            .into_iter()
            .map(|dir| dir.join(rest.trim_start_matches('/')));
        let mut dirs = dirs.filter(|dir| dir.is_dir());
        dirs.next().with_context(|| format!("no {path}"))
    }

    fn with_libraries(&self, mut command: Command) -> Result<Command> {
        let mut libraries = vec![self.dir("usr/lib/syslog-ng")?];
        for dir in ["usr/lib", "lib"] {
            libraries.extend(self.dirs_with(dir, "-linux-gnu"));
        }
        command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
        Ok(command)
    }

    fn dirs_with(&self, parent: &str, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join(parent)).into_iter().flatten();
        let paths = entries.flatten().map(|entry| entry.path());
        paths
            .filter(|path| path.is_dir() && path.to_string_lossy().ends_with(ending))
            .collect()
    }
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
