//! What runs inside the machine: a script with the tests, and what it leaves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nat_acct_tests::agent::BINARY;
use nat_acct_tests::shapes::NOTES;

use super::binaries::Binaries;
use super::selection::Test;
use crate::process::root;

/// The shared directory, as the machine sees it.
const SHARE: &str = "/run/vm";
/// In the shared directory: what the tests note.
const NOTES_DIR: &str = "notes";

/// Makes the shared directory anew, with a script that runs these tests with this agent.
pub fn write(share: &Path, tests: &[Test], binaries: &Binaries, agent: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(share);
    fs::create_dir_all(notes(share)).with_context(|| format!("cannot make {}", share.display()))?;
    let mut script = preparations(agent);
    for tests in tests.chunk_by(|one, next| one.file == next.file) {
        script += &run(&binaries[tests[0].file], tests);
    }
    script += "/run/busybox reboot -f\n";
    fs::write(share.join("run.sh"), script).context("cannot write the script")
}

/// Where the notes of the tests are.
pub fn notes(share: &Path) -> PathBuf {
    share.join(NOTES_DIR)
}

fn preparations(agent: &Path) -> String {
    format!(
        "exec >/dev/ttyS1 2>&1\n\
         export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root\n\
         export {NOTES}={SHARE}/{NOTES_DIR} {BINARY}='{}'\n\
         ip link set lo up\n\
         cd '{}'\n",
        agent.display(),
        root().join("tests").display()
    )
}

/// One test at a time: the emulated processors are slow enough for one.
fn run(binary: &Path, tests: &[Test]) -> String {
    let names: Vec<_> = tests.iter().map(|test| test.name).collect();
    format!(
        "'{}' --color=never --test-threads=1 --exact {}\n",
        binary.display(),
        names.join(" ")
    )
}
