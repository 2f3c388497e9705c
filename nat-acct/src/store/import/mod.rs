//! `nat-acct store import`: from lines to the store. What was imported before changes nothing.

mod batch;
mod current;
mod database;
mod follow;
mod open_connections;
mod place;
mod proof;
mod rejects;
mod report;
mod tail;
mod writer;

use std::{fs::File, io, mem, path::PathBuf, thread, time::Duration};

use anyhow::{Context as _, Result};

use self::{
    batch::Batch,
    follow::Stop,
    place::Place,
    rejects::{Reject, Source},
    report::Report,
    writer::Writer,
};
use super::{Dir, Line, Lines};
use crate::{compression, record};

/// How long to wait before writing is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What to import into which store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportConfig {
    /// The directory of the store.
    pub store: PathBuf,
    /// Where the lines are.
    pub inputs: Vec<Input>,
    /// Whether to wait for more of them.
    pub follow: bool,
}

/// Where lines are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file, also compressed by gzip or zstd.
    File(PathBuf),
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Records of ends that are in the store now and were not before.
    pub records: u64,
    /// Those that were.
    pub known: u64,
    /// Records of connections that were open.
    pub open: u64,
    /// Lines that are no records.
    pub rejected: u64,
    /// Inputs that could not be read to their end.
    pub unread: u64,
}

/// Imports, and says on standard error what became of each line that is no record.
///
/// # Errors
///
/// When the store cannot be written. What was imported until then stays.
pub fn import(config: &ImportConfig) -> Result<Imported> {
    let dir = Dir::make(&config.store)?;
    if config.follow {
        return follow::run(dir, &config.inputs);
    }
    let mut importer = Importer::open(dir, None)?;
    for input in &config.inputs {
        importer.whole(input)?;
    }
    importer.commit()?;
    Ok(importer.report.sums())
}

/// Takes lines, and writes them a batch at a time.
struct Importer {
    writer: Writer,
    batch: Batch,
    report: Report,
    /// With it, what cannot be written is tried again until somebody asks to stop.
    stop: Option<Stop>,
}

impl Importer {
    fn open(dir: Dir, stop: Option<Stop>) -> Result<Self> {
        Ok(Self {
            writer: Writer::open(dir)?,
            batch: Batch::default(),
            report: Report::default(),
            stop,
        })
    }

    /// Imports all of an input. One that cannot be read does not keep others from being.
    fn whole(&mut self, input: &Input) -> Result<()> {
        let source = Source::of(input);
        let opened = match input {
            Input::Stdin => Ok(compression::plain(io::stdin())),
            Input::File(path) => File::open(path).map(compression::plain),
        };
        let mut lines = match opened {
            Ok(reader) => Lines::new(reader),
            Err(error) => {
                self.report.unread(&source, &error);
                return Ok(());
            }
        };
        loop {
            match lines.next_line() {
                Ok(Some(line)) => self.take(&source, line, || None)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    if let Some(line) = lines.rest() {
                        self.take(&source, line, || None)?;
                    }
                    self.report.unread(&source, &error);
                    return Ok(());
                }
            }
        }
    }

    /// Takes a line. If others have to be written before, the place behind them is written, too.
    fn take(
        &mut self,
        source: &Source,
        line: Line<'_>,
        place: impl FnOnce() -> Option<Place>,
    ) -> Result<()> {
        if line.bytes.is_empty() {
            return Ok(());
        }
        let told = record::read(line.bytes);
        let has_room = told
            .as_ref()
            .map_or(true, |told| self.batch.has_room_for(told));
        if !has_room || self.batch.is_full() {
            if let Some(place) = place() {
                self.batch.reach(place);
            }
            self.commit()?;
        }
        match told {
            Ok(told) => self.batch.add(told),
            Err(error) => {
                self.report.reject(source, line.number, &error);
                self.batch.reject(Reject::of(line.bytes));
            }
        }
        Ok(())
    }

    /// Writes what there is.
    fn commit(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut is_refused = false;
        let written = loop {
            let written = self.writer.commit(&mut self.batch);
            match (written.context("cannot write to the store"), &self.stop) {
                (Err(error), Some(stop)) if !stop.is_asked_for() => {
                    if !mem::replace(&mut is_refused, true) {
                        self.report.warn(&format!("{error:#}; trying again"));
                    }
                    thread::sleep(AGAIN_AFTER);
                }
                (written, _) => break written?,
            }
        };
        if is_refused {
            self.report.warn("the store is written again");
        }
        self.report.written(written);
        Ok(())
    }
}
