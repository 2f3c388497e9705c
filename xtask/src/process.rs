//! Child processes: a command as data that can be shown or run, in an
//! environment that cargo and rustup have not coloured.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Set by `cargo run` and by rustup's proxies for their children. They would
/// bind another cargo to the toolchain and the settings of this one.
const COLOURED: [&str; 12] = [
    "CARGO",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
];

/// A command, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cmd {
    pub program: String,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Where it runs; in the project's root if not said.
    pub dir: Option<PathBuf>,
}

impl Cmd {
    /// Words separated by blanks.
    pub fn new(command_line: &str) -> Self {
        let mut words = command_line.split_whitespace().map(str::to_owned);
        Self {
            program: words.next().unwrap_or_default(),
            args: words.collect(),
            ..Self::default()
        }
    }

    /// By its file, whose name may have blanks.
    pub fn of(program: &Path) -> Self {
        Self {
            program: program.display().to_string(),
            ..Self::default()
        }
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub fn within(self, dir: PathBuf) -> Self {
        Self {
            dir: Some(dir),
            ..self
        }
    }

    /// Runs it, its output passing through.
    pub fn run(&self) -> Result<()> {
        println!("    $ {self}");
        let status = self
            .command()
            .status()
            .with_context(|| format!("cannot run {}", self.program))?;
        ensure!(status.success(), "`{self}` failed ({status})");
        Ok(())
    }

    /// Runs it; its standard output, while what it says on standard error passes through.
    pub fn stdout(&self) -> Result<String> {
        println!("    $ {self}");
        let done = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", self.program))?;
        let status = done.status;
        ensure!(status.success(), "`{self}` failed ({status})");
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// Runs it quietly; its standard output, if it could be run and succeeded.
    pub fn ask(&self) -> Option<String> {
        let done = self.command().output().ok()?;
        done.status
            .success()
            .then(|| String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// What the standard library runs.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if COLOURED.contains(&&*name) || name.starts_with("CARGO_PKG_") {
                command.env_remove(&*name);
            }
        }
        command
            .args(&self.args)
            .envs(self.env.iter().cloned())
            .current_dir(self.dir.as_deref().unwrap_or(root()));
        command
    }
}

/// As one would type it.
impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        // The one that rustup chose has a long path that nobody types.
        f.write_str(if self.program == cargo() {
            "cargo"
        } else {
            &self.program
        })?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,$~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the project's root")
}

/// The cargo that started this program, so that the toolchain stays the one
/// that the user chose.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Where `cargo install` puts programs.
pub fn cargo_bin() -> PathBuf {
    let home = |name| std::env::var_os(name).map(PathBuf::from);
    let cargo_home = home("CARGO_HOME").or_else(|| Some(home("HOME")?.join(".cargo")));
    cargo_home.unwrap_or_default().join("bin")
}

/// Where a program is; the places of the administrator's programs are often
/// not on a user's PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::Cmd;

    #[test]
    fn a_command_shows_as_one_would_type_it() {
        let cmd = Cmd::new("cargo build").arg("two words").env("A", "1");
        assert_eq!(cmd.to_string(), "A=1 cargo build 'two words'");
    }
}
