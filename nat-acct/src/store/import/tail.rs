//! A file that is written and rotated while it is read. What was rotated away is found beside it, by its
//! name.

use std::{
    collections::VecDeque,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{
    Importer,
    current::{Current, Turn},
    rejects::Source,
};
use crate::clock;

/// How long to wait before what could not be read is tried again.
const AGAIN_AFTER_NS: u64 = 60_000_000_000;
/// A name with fewer digits may be that of another file.
const YEAR_DIGITS: usize = 4;

pub(super) struct Tail {
    path: PathBuf,
    current: Option<Current>,
    /// What is to be read then, the oldest first.
    next: VecDeque<Current>,
    /// When to look for files that could not be read.
    look_again_ns: Option<u64>,
}

impl Tail {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            current: None,
            next: VecDeque::new(),
            look_again_ns: Some(0),
        }
    }

    /// Reads some lines; whether there may be more at once.
    pub(super) fn turn(&mut self, importer: &mut Importer) -> Result<bool> {
        // Looked at before the reading: what is written to a file before the next one is begun is
        // read before that.
        let is_over = self.is_over(importer)?;
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        match current.read(importer)? {
            Turn::More => return Ok(true),
            Turn::End => {}
            Turn::Failed(error) => {
                importer.report.unread(&current.so_far.source, &error);
                self.look_again_ns = Some(clock::monotonic_ns() + AGAIN_AFTER_NS);
                self.current = self.next.pop_front();
                return Ok(self.current.is_some());
            }
        }
        if is_over {
            current.finish(importer)?;
            self.current = self.next.pop_front();
            return Ok(self.current.is_some());
        }
        Ok(false)
    }

    /// Whether nothing more is written to the current file. Finds the one to be read after it.
    fn is_over(&mut self, importer: &mut Importer) -> Result<bool> {
        if !self.next.is_empty() {
            return Ok(true);
        }
        let is_replaced = match &self.current {
            Some(current) => current.is_replaced(&self.path),
            None => true,
        };
        let is_time = self
            .look_again_ns
            .is_some_and(|at_ns| at_ns <= clock::monotonic_ns());
        if is_replaced || is_time {
            self.look_again_ns = None;
            self.find(importer)?;
        }
        if self.current.is_none() {
            self.current = self.next.pop_front();
        }
        Ok(!self.next.is_empty() && is_replaced)
    }

    /// Finds what is to be read, but for the current file.
    fn find(&mut self, importer: &mut Importer) -> Result<()> {
        // Places are looked up in the store.
        importer.commit()?;
        let mut paths = rotated(&self.path);
        paths.push(self.path.clone());
        for path in paths {
            match Current::open(&path, importer) {
                Ok(Some(found)) => {
                    let is_known = self.current.iter().chain(&self.next);
                    if !is_known
                        .clone()
                        .any(|known| known.so_far.beginning == found.so_far.beginning)
                    {
                        self.next.push_back(found);
                    }
                }
                Ok(None) => {}
                Err(error) if is_missing(&error) => {}
                Err(error) => {
                    importer.report.unread(&Source::File(path), &error);
                    self.look_again_ns = Some(clock::monotonic_ns() + AGAIN_AFTER_NS);
                }
            }
        }
        Ok(())
    }
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// What was rotated away from `path`, the oldest first.
fn rotated(path: &Path) -> Vec<PathBuf> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(directory.unwrap_or(Path::new(".")));
    let Some(name) = path.file_name().map(|name| name.as_encoded_bytes()) else {
        return Vec::new();
    };
    let entries = entries.into_iter().flatten().flatten();
    let entries = entries.filter(|entry| is_of_rotated(entry.file_name().as_encoded_bytes(), name));
    let mut found: Vec<_> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .filter(|(metadata, _)| metadata.is_file())
        .map(|(metadata, path)| ((metadata.mtime(), metadata.mtime_nsec()), path))
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Whether a name is that of a file that was rotated away from one called `name`: `a.jsonl.1`, `a.jsonl-20261122`,
/// or, as logrotate's `extension` has it, `a.1.jsonl`, `a-20261122.jsonl`; whatever a compression adds.
fn is_of_rotated(other: &[u8], name: &[u8]) -> bool {
    if let Some(rest) = other.strip_prefix(name) {
        return matches!(rest.first(), Some(b'.' | b'-'));
    }
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else {
        return false;
    };
    let (stem, extension) = name.split_at(dot);
    let (least, rest) = match other.strip_prefix(stem) {
        Some([b'.', rest @ ..]) => (1, rest),
        Some([b'-', rest @ ..]) => (YEAR_DIGITS, rest),
        Some(_) | None => return false,
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_date = |byte: &&u8| byte.is_ascii_digit() || **byte == b'-';
    let date = rest.iter().take_while(is_date).count();
    let behind = rest[date..].strip_prefix(extension);
    digits >= least && behind.is_some_and(|behind| matches!(behind.first(), None | Some(b'.')))
}

#[cfg(test)]
mod tests {
    use super::is_of_rotated;

    #[test]
    fn rotated_files_have_the_name_of_the_file() {
        for (other, expected) in [
            ("a.jsonl.1", true),
            ("a.jsonl.2.gz", true),
            ("a.jsonl-20261122", true),
            ("a-20261122.jsonl", true),
            ("a-20261122-1795340540.jsonl.zst", true),
            ("a-2026-11-22.jsonl", true),
            ("a.1.jsonl", true),
            ("a.2.jsonl.gz", true),
            ("a.20261122.jsonl", true),
            ("a.b.jsonl", false),
            ("a-20261122.jsonlx", false),
            ("a.jsonl", false),
            ("a-2.jsonl", false),
            ("a-20261122.csv", false),
            ("ab-20261122.jsonl", false),
            ("b.jsonl.1", false),
        ] {
            let found = is_of_rotated(other.as_bytes(), b"a.jsonl");
            assert_eq!(found, expected, "{other}");
        }
        assert!(is_of_rotated(b"a.1", b"a"));
        assert!(!is_of_rotated(b"ab-20261122", b"a"));
    }
}
