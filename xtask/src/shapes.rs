//! `docs/SHAPES.md`, and what the tests have noted for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nat_acct_tests::shapes::{self, Notes};

use crate::process::root;

const PAGE: &str = "docs/SHAPES.md";

/// An empty directory for notes.
pub fn fresh_notes() -> Result<PathBuf> {
    let dir = root().join("target/shapes");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// Writes the page that the notes make.
pub fn write(notes: &Path) -> Result<()> {
    fs::write(root().join(PAGE), shapes::render(&read(notes)?))?;
    println!("==> written to {PAGE}");
    Ok(())
}

/// What another kernel may show otherwise has a page of its own.
fn read(notes: &Path) -> Result<Notes> {
    let mut notes = shapes::read(notes)?;
    notes.retain(|(group, _), _| !shapes::OF_KERNELS.contains(&group.as_str()));
    Ok(notes)
}

/// Fails if the page is not the one that the notes make.
pub fn check(notes: &Path) -> Result<()> {
    let page = fs::read_to_string(root().join(PAGE)).unwrap_or_default();
    let expect = shapes::render(&read(notes)?);
    let line_of = |text: &str, line: usize| text.lines().nth(line).map(str::to_owned);
    let lines = page.lines().count().max(expect.lines().count());
    let differs = |&line: &usize| line_of(&page, line) != line_of(&expect, line);
    match (0..lines).find(differs) {
        None => Ok(()),
        Some(line) => bail!(
            "{PAGE}:{}: says {:?}, the tests have shown {:?}; `cargo xtask test --shapes` writes it",
            line + 1,
            line_of(&page, line).unwrap_or_default(),
            line_of(&expect, line).unwrap_or_default(),
        ),
    }
}
