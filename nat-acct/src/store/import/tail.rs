//! A file that is written and rotated while it is read. What was rotated away is found beside it: files
//! whose names begin with its name and a dot or a hyphen, as logrotate calls them.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read, Seek as _, SeekFrom},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{
    Importer,
    place::{self, Place},
    rejects::Source,
};
use crate::{clock, compression, store::lines::Lines};

/// How many lines to read before others have their turn.
const TURN: usize = 10_000;
/// How long to wait before what could not be read is tried again.
const AGAIN_AFTER_NS: u64 = 60_000_000_000;

pub(super) struct Tail {
    path: PathBuf,
    current: Option<Current>,
    /// What is to be read then, the oldest first.
    next: VecDeque<Current>,
    /// When to look for files that could not be read.
    look_again_ns: Option<u64>,
}

/// A file that is being read.
struct Current {
    file: File,
    lines: Lines<Box<dyn Read>>,
    so_far: SoFar,
}

/// What is known of it.
struct SoFar {
    source: Source,
    path: PathBuf,
    /// Whether the file has its first line as it is.
    is_plain: bool,
    beginning: Vec<u8>,
    /// The last line that was read.
    ending: Vec<u8>,
}

/// Whether there is more to come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    ToCome,
    None,
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
    let is_rotated = |entry: &fs::DirEntry| {
        let other = entry.file_name();
        let rest = other.as_encoded_bytes().strip_prefix(name);
        rest.is_some_and(|rest| matches!(rest.first(), Some(b'.' | b'-')))
    };
    let entries = entries.into_iter().flatten().flatten().filter(is_rotated);
    let mut found: Vec<_> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .filter(|(metadata, _)| metadata.is_file())
        .map(|(metadata, path)| ((metadata.mtime(), metadata.mtime_nsec()), path))
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

enum Turn {
    More,
    End,
    Failed(io::Error),
}

impl Current {
    /// Opens a file at the place up to which it was read; `None` if there is nothing to read.
    fn open(path: &Path, importer: &Importer) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let Some(beginning) = place::beginning(&mut compression::plain(file.try_clone()?))? else {
            return Ok(None);
        };
        let place = Place::of(importer.writer.index(), &beginning).map_err(io::Error::other)?;
        if place.as_ref().is_some_and(|place| place.is_done) {
            return Ok(None);
        }
        let is_plain = has(&file, 0, &beginning);
        let at_place = match &place {
            Some(place) if is_plain => continued(&file, place)?,
            Some(place) => skipped(&file, place)?,
            None => None,
        };
        let ((offset, line), ending, reader) = match (place, at_place) {
            (Some(place), Some(reader)) => ((place.offset, place.line), place.ending, reader),
            _ => ((0, 0), Vec::new(), from_start(&file)?),
        };
        Ok(Some(Self {
            file,
            lines: Lines::from_place(reader, offset, line),
            so_far: SoFar {
                source: Source::File(path.to_owned()),
                path: path.to_owned(),
                is_plain,
                beginning,
                ending,
            },
        }))
    }

    /// Reads lines that have an end.
    fn read(&mut self, importer: &mut Importer) -> Result<Turn> {
        for _ in 0..TURN {
            let before = self.lines.place();
            let line = match self.lines.next_whole() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    importer
                        .batch
                        .reach(self.so_far.place(before, Rest::ToCome));
                    return Ok(Turn::End);
                }
                Err(error) => {
                    importer
                        .batch
                        .reach(self.so_far.place(before, Rest::ToCome));
                    return Ok(Turn::Failed(error));
                }
            };
            let place = || Some(self.so_far.place(before, Rest::ToCome));
            importer.take(&self.so_far.source, line, place)?;
            self.so_far.ending.clear();
            self.so_far.ending.extend_from_slice(self.lines.last());
        }
        let reached = self.so_far.place(self.lines.place(), Rest::ToCome);
        importer.batch.reach(reached);
        Ok(Turn::More)
    }

    /// Nothing more is written to it: what it has without an end is its last line.
    fn finish(&mut self, importer: &mut Importer) -> Result<()> {
        let before = self.lines.place();
        if let Some(line) = self.lines.rest() {
            let place = || Some(self.so_far.place(before, Rest::ToCome));
            importer.take(&self.so_far.source, line, place)?;
        }
        let reached = self.so_far.place(self.lines.place(), Rest::None);
        importer.batch.reach(reached);
        Ok(())
    }

    /// Whether there is something else where it was: another file, or other lines in the same.
    fn is_replaced(&self, path: &Path) -> bool {
        let (Ok(there), Ok(here)) = (fs::metadata(path), self.file.metadata()) else {
            return false;
        };
        if there.len() == 0 {
            return false;
        }
        let is_other = (there.dev(), there.ino()) != (here.dev(), here.ino());
        let so_far = &self.so_far;
        let was_truncated = so_far.is_plain
            && (here.len() < self.lines.place().0 || !has(&self.file, 0, &so_far.beginning));
        is_other || was_truncated
    }
}

impl SoFar {
    fn place(&self, (offset, line): (u64, u64), rest: Rest) -> Place {
        Place {
            beginning: self.beginning.clone(),
            ending: self.ending.clone(),
            path: self.path.clone(),
            offset,
            line,
            is_done: rest == Rest::None,
        }
    }
}

fn from_start(mut file: &File) -> io::Result<Box<dyn Read>> {
    file.seek(SeekFrom::Start(0))?;
    Ok(compression::plain(file.try_clone()?))
}

/// Goes on at the place in a file, if it is one there.
fn continued(mut file: &File, place: &Place) -> io::Result<Option<Box<dyn Read>>> {
    let ending_at = place.offset.checked_sub(place.ending.len() as u64);
    if !ending_at.is_some_and(|at| has(file, at, &place.ending)) {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(place.offset))?;
    Ok(Some(Box::new(file.try_clone()?)))
}

/// The same in a compressed file, which has to be read up to there.
fn skipped(file: &File, place: &Place) -> io::Result<Option<Box<dyn Read>>> {
    let mut reader = from_start(file)?;
    Ok(place.skip(&mut reader)?.then_some(reader))
}

fn has(file: &File, at: u64, bytes: &[u8]) -> bool {
    let mut there = vec![0; bytes.len()];
    file.read_exact_at(&mut there, at).is_ok() && there == bytes
}
