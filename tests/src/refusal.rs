//! What the agent says when it cannot do what it is asked for: one line, and a
//! status.

use std::process::Command;

use anyhow::{Context, Result};

use crate::lab::{Background, Lab};
use crate::wait::PATIENCE;

/// The command ends with this status and one line that has all these words, and
/// writes no record.
///
/// # Panics
///
/// When it ends otherwise.
#[track_caller]
pub fn check(lab: &Lab, command: Command, status: i32, says: &[&str]) -> Result<()> {
    let what = format!("{command:?}");
    let mut program = Background::start(command, lab.dir(), "refused")?;
    let ended = program.wait(PATIENCE);
    let ended = ended.with_context(|| format!("{what} was not refused"))?;
    let said = program.stderr();
    assert_eq!(ended.code(), Some(status), "{what}: {said}");
    assert_eq!(said.lines().count(), 1, "{what}: {said}");
    assert!(said.starts_with("nat-acct: error: "), "{what}: {said}");
    assert!(said.ends_with('\n'), "{what}: {said}");
    for word in says {
        assert!(said.contains(word), "{what}: no {word:?} in {said}");
    }
    assert_eq!(program.stdout(), "", "{what}");
    Ok(())
}
