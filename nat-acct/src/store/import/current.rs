//! A file that is being followed, from the place up to which it was read.

use std::{
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
use crate::{compression, store::lines::Lines};

/// How many lines to read before others have their turn.
const TURN: usize = 10_000;

/// A file that is being read.
pub(super) struct Current {
    file: File,
    lines: Lines<Box<dyn Read>>,
    pub so_far: SoFar,
    /// The place that was noted last.
    reached: (u64, u64),
}

/// What is known of it.
pub(super) struct SoFar {
    pub source: Source,
    path: PathBuf,
    /// Whether the file has its first line as it is.
    is_plain: bool,
    pub beginning: Vec<u8>,
    /// The last line that was read.
    ending: Vec<u8>,
}

/// Whether there is more to come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    ToCome,
    None,
}

/// How reading went.
pub(super) enum Turn {
    /// There are more lines.
    More,
    /// There are none as yet.
    End,
    /// There may be, but they cannot be read.
    Failed(io::Error),
}

impl Current {
    /// Opens a file at the place up to which it was read; `None` if there is nothing to read.
    pub(super) fn open(path: &Path, importer: &Importer) -> io::Result<Option<Self>> {
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
            reached: (offset, line),
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
    pub(super) fn read(&mut self, importer: &mut Importer) -> Result<Turn> {
        for _ in 0..TURN {
            let before = self.lines.place();
            let line = match self.lines.next_whole() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.reach(importer);
                    return Ok(Turn::End);
                }
                Err(error) => {
                    self.reach(importer);
                    return Ok(Turn::Failed(error));
                }
            };
            let place = || Some(self.so_far.place(before, Rest::ToCome));
            importer.take(&self.so_far.source, line, place)?;
            self.so_far.ending.clear();
            self.so_far.ending.extend_from_slice(self.lines.last());
        }
        self.reach(importer);
        Ok(Turn::More)
    }

    /// Notes how far the file was read, if that is further than was noted before.
    fn reach(&mut self, importer: &mut Importer) {
        let place = self.lines.place();
        if place != self.reached {
            self.reached = place;
            importer.batch.reach(self.so_far.place(place, Rest::ToCome));
        }
    }

    /// Nothing more is written to it: what it has without an end is its last line.
    pub(super) fn finish(&mut self, importer: &mut Importer) -> Result<()> {
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
    pub(super) fn is_replaced(&self, path: &Path) -> bool {
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
