//! `docs/BENCHMARKS.md`: a section for each benchmark, written by the benchmark. The others stay as
//! they are, for they may be of another day.

use std::fs;

use anyhow::{Context, Result};

use crate::process::root;

const FILE: &str = "docs/BENCHMARKS.md";
const BEGINNING: &str = "\
# Benchmarks

`cargo xtask bench` measures, and writes this page. Times of one machine mean nothing on another:
what counts are the ratios to the other programs of the same run. For packets in the kernel these, too,
depend on the processor: there is a section for each that was measured.
";

/// Prints a section; unless ours was `alone`, the page gets it, too.
pub fn show(name: &str, body: &str, alone: bool) -> Result<()> {
    println!("\n{body}");
    if alone { Ok(()) } else { write(name, body) }
}

/// Puts the section in the place of an earlier one of the same name.
fn write(name: &str, body: &str) -> Result<()> {
    let path = root().join(FILE);
    let old = fs::read_to_string(&path).unwrap_or_else(|_| BEGINNING.to_owned());
    fs::create_dir_all(path.parent().context("the page lies in a folder")?)?;
    fs::write(&path, with_section(&old, name, body))
        .with_context(|| format!("cannot write {FILE}"))?;
    println!("==> written to {FILE}");
    Ok(())
}

fn with_section(page: &str, name: &str, body: &str) -> String {
    let heading = format!("## {name}");
    let mut sections = split(page);
    let section = format!("{heading}\n\n{}\n", body.trim());
    let is_old = |old: &&mut String| old.lines().next() == Some(&heading);
    match sections.iter_mut().find(is_old) {
        Some(old) => *old = section,
        None => sections.push(section),
    }
    let sections: Vec<_> = sections.iter().map(|section| section.trim_end()).collect();
    sections.join("\n\n") + "\n"
}

/// What is before the first section, and the sections.
fn split(page: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for line in page.lines() {
        if line.starts_with("## ") {
            sections.push(String::new());
        }
        if let Some(last) = sections.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::with_section;

    #[test]
    fn a_section_takes_the_place_of_the_earlier_one() {
        let page = with_section("# Page\n\nText.\n", "One", "first\n");
        assert_eq!(page, "# Page\n\nText.\n\n## One\n\nfirst\n");
        let page = with_section(&page, "Two", "second");
        let page = with_section(&page, "One", "### Part\n\nother");
        let expect = "# Page\n\nText.\n\n## One\n\n### Part\n\nother\n\n## Two\n\nsecond\n";
        assert_eq!(page, expect);
    }
}
