//! A directory for a test, and `nat-acct` in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

const NAT_ACCT: &str = env!("CARGO_BIN_EXE_nat-acct");
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Scratch(PathBuf);

/// How a command ended, and what it printed.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub said: String,
    pub errors: String,
}

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("store")
            .join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs `nat-acct` with these words.
    pub fn run(&self, words: &str) -> Ended {
        self.run_with(words, &[])
    }

    /// The same with more words, which may have spaces.
    pub fn run_with(&self, words: &str, more: &[&str]) -> Ended {
        let output = self.command(words).args(more).output().unwrap();
        Ended::from(output)
    }

    /// Imports, and wants no complaint.
    pub fn import(&self, words: &str) {
        let ended = self.run(&format!("store import --store s {words}"));
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }

    pub fn start(&self, words: &str) -> Child {
        self.command(words).stderr(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(NAT_ACCT);
        command.args(words.split_whitespace()).current_dir(&self.0);
        command
    }

    /// A file system in memory at a directory, if we may mount one.
    pub fn disk(&self, name: &str, size: &str) -> Option<Disk> {
        let disk = Disk(self.path(name));
        fs::create_dir_all(&disk.0).unwrap();
        disk.mount(&format!("size={size}")).then_some(disk)
    }

    /// How many records the store has; a store that is not complete is a failure.
    pub fn count(&self) -> u64 {
        let ended = self.run("store check --store s");
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let count = ended.said.split_whitespace().next();
        count.and_then(|count| count.parse().ok()).unwrap()
    }

    /// How many records the store has, complete or not; 0 if there is none.
    pub fn count_of_index(&self) -> u64 {
        let said = self.run("store check --store s").said;
        let count = said.split_whitespace().next();
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Waits until something is so.
    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A file system of a test, until that is over.
pub struct Disk(PathBuf);

impl Disk {
    pub fn grow(&self, size: &str) {
        assert!(self.mount(&format!("remount,size={size}")));
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&self.0);
        mount.stderr(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            said: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
