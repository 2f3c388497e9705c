//! Records in the file of an agent: every kind of record, each with an `event.id` of its own, in a
//! file that is rotated as an agent's is.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// A record of each kind, in the format `ecs`.
const KINDS: &str = include_str!("../../../nat-acct/tests/golden/ecs.jsonl");

/// The file of an agent, and what was written to it.
pub struct Output {
    path: PathBuf,
    file: File,
    written: BTreeMap<String, String>,
    /// What is no record.
    torn: String,
    rotations: u32,
}

impl Output {
    /// In this directory, by the name that the configurations in contrib/ expect.
    pub fn create(dir: &Path) -> Result<Self> {
        let path = dir.join("nat-acct.jsonl");
        Ok(Self {
            file: open(&path)?,
            path,
            written: BTreeMap::new(),
            torn: String::new(),
            rotations: 0,
        })
    }

    /// Writes so many records, a few at a time, as an agent does.
    pub fn write(&mut self, records: usize) -> Result<()> {
        let kinds: Vec<&str> = KINDS.lines().collect();
        for _ in 0..records {
            let number = self.written.len();
            let line = numbered(kinds[number % kinds.len()], number)?;
            self.file.write_all(format!("{line}\n").as_bytes())?;
            self.written.insert(id(&line)?, line);
        }
        Ok(())
    }

    /// Leaves half a record, ended as an agent ends it when it starts after a power failure.
    pub fn tear(&mut self) -> Result<()> {
        let kind = KINDS.lines().next().context("no record")?;
        let half = format!("{}\n", &kind[..kind.len() / 2]);
        self.torn += &half;
        Ok(self.file.write_all(half.as_bytes())?)
    }

    /// All lines that are no records.
    pub fn torn(&self) -> &str {
        &self.torn
    }

    /// Renames the file and goes on with a new one.
    pub fn rotate(&mut self) -> Result<()> {
        self.rotations += 1;
        let rotated = format!("nat-acct-20261125-{}.jsonl", self.rotations);
        fs::rename(&self.path, self.path.with_file_name(rotated))?;
        self.file = open(&self.path)?;
        Ok(())
    }

    /// All records by their `event.id`.
    pub fn written(&self) -> &BTreeMap<String, String> {
        &self.written
    }
}

/// The `event.id` of a record.
pub fn id(line: &str) -> Result<String> {
    let record: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
    let id = record["event"]["id"].as_str().context("no event.id")?;
    Ok(id.to_owned())
}

/// The line with another `event.id`, and else byte by byte as it is.
fn numbered(line: &str, number: usize) -> Result<String> {
    let other = format!("00000000-0000-8000-8000-{number:012x}");
    Ok(line.replace(&id(line)?, &other))
}

fn open(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}
