//! What runs inside the machine: a script with the tests, and what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nat_acct_tests::agent::BINARY;
use nat_acct_tests::shapes::NOTES;

use super::selection::TESTS;

/// The shared directory, as the machine sees it.
const SHARE: &str = "/run/vm";
/// In the shared directory: what the tests note.
const NOTES_DIR: &str = "notes";

/// Makes the shared directory anew, with the script in it.
pub fn write(share: &Path, agent: &Path, programs: &BTreeMap<String, PathBuf>) -> Result<()> {
    let _ = fs::remove_dir_all(share);
    fs::create_dir_all(notes(share)).with_context(|| format!("cannot make {}", share.display()))?;
    fs::write(share.join("run.sh"), script(agent, programs))?;
    Ok(())
}

/// Where the notes of the tests are.
pub fn notes(share: &Path) -> PathBuf {
    share.join(NOTES_DIR)
}

fn script(agent: &Path, programs: &BTreeMap<String, PathBuf>) -> String {
    let mut script = format!(
        "exec >/dev/ttyS1 2>&1\n\
         export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         export HOME=/root {NOTES}={SHARE}/{NOTES_DIR} {BINARY}='{}'\n\
         ip link set lo up\n",
        agent.display()
    );
    for file in TESTS {
        // One at a time: the processors are slow enough for one.
        script += &format!(
            "'{}' --color=never --test-threads=1 --exact {}\n",
            programs[file.name].display(),
            file.tests.join(" ")
        );
    }
    script + "/run/busybox reboot -f\n"
}
