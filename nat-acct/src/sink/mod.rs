//! Where records go: one line each, to standard output or to a file. What a line says is the
//! record's worry; when to write, and when to look for the file again, is the agent's.

mod error;
mod file;
mod lines;
mod output;
mod place;
mod rotation;

use std::{ffi::OsString, io};

pub use error::SinkError;
pub use output::Output;
pub use place::directory;
pub use rotation::{Archive, Due, Keep, Rotation};

use file::OutputFile;
use jiff::Timestamp;
use lines::Lines;
use place::Place;

/// A place for records.
///
/// A record is written only once [`flush`](Self::flush) has returned `Ok`: until then, what it was
/// made from must be kept. A sink that is dropped tries once more to write what it holds.
#[derive(Debug)]
pub struct Sink {
    output: Output,
    /// Where the file is found again; standard output is nowhere.
    place: Option<Place>,
    /// The open file is no longer the one to write to.
    is_stale: bool,
    lines: Lines<OutputFile>,
}

impl Sink {
    /// Opens `output`. A file is made if it is missing, readable for its owner and group, and
    /// never shortened: lines are added at its end. To open a FIFO is to wait for its reader.
    pub fn open(output: Output) -> Result<Self, SinkError> {
        match open(&output) {
            Ok((place, file)) => Ok(Self {
                output,
                place,
                is_stale: false,
                lines: Lines::new(file),
            }),
            Err(cause) => Err(SinkError::Open { output, cause }),
        }
    }

    /// What was opened.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Adds one line, given without its end. On an error the line was not taken, and may be given
    /// again.
    pub fn push(&mut self, line: &[u8]) -> Result<(), SinkError> {
        self.follow()?;
        let pushed = self.lines.push(line);
        pushed.map_err(|cause| SinkError::of_write(&self.output, cause))
    }

    /// Writes all lines that were added. On an error the lines that are not written stay here, and
    /// a next call goes on at the byte where this one stopped.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        while self.write_some()? {}
        Ok(())
    }

    /// Does a part of [`Self::flush`], one system call; tells whether there is more.
    pub fn write_some(&mut self) -> Result<bool, SinkError> {
        self.follow()?;
        let written = self.lines.step();
        written.map_err(|cause| SinkError::of_write(&self.output, cause))
    }

    /// How many lines were added and are not wholly written.
    pub fn pending_lines(&self) -> usize {
        self.lines.pending_lines()
    }

    /// Whether the file was removed. Lines that are written to it now are lost.
    pub fn is_removed(&self) -> bool {
        self.place.is_some() && self.lines.target().is_nameless()
    }

    /// Whether the name of the file is that of another one now, or of none.
    pub fn is_renamed(&self) -> bool {
        match (&self.place, self.lines.target().id()) {
            (Some(place), Some(ours)) => place.id() != Some(ours),
            // A pipe or a device cannot be rotated.
            (None, _) | (_, None) => false,
        }
    }

    /// Whether it is a regular file that has its own name, and not by a symbolic link.
    pub fn can_rotate(&self) -> bool {
        let place = self.place.as_ref();
        self.lines.target().id().is_some() && place.is_some_and(|place| !place.is_link())
    }

    /// Length of the file in bytes; 0 of what is none.
    pub fn len_bytes(&self) -> u64 {
        self.lines.target().len_bytes().unwrap_or(0)
    }

    /// When the file was last written to, in nanoseconds since the Unix epoch; `None` if it is empty.
    pub fn modified_ns(&self) -> Option<i128> {
        self.lines
            .target()
            .modified_ns()
            .filter(|_| self.len_bytes() > 0)
    }

    /// Gives the file the name of one that was rotated at `at`, which is returned. All lines that were
    /// added should be written before, and the file has to be opened by its own name behind it, by
    /// [`Self::reopen`].
    pub fn rename_aside(&mut self, at: Timestamp) -> io::Result<OsString> {
        match &mut self.place {
            Some(place) => place.rename_aside(at),
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Opens the file by its name again. Lines that were added before go to the old one as far as
    /// it takes them and has a name; a line is never in part in both. On an error nothing is lost,
    /// and nothing is written before the file could be opened, which each write tries. Standard
    /// output stays what it is.
    pub fn reopen(&mut self) -> Result<(), SinkError> {
        if self.place.is_some() && !self.is_stale {
            self.is_stale = true;
            if !self.is_removed() {
                // What it does not take, the new one will.
                let _ = self.lines.flush();
            }
        }
        self.follow()
    }

    /// Ends without the lines that are not wholly written: what a file has of one is taken back.
    pub fn abandon(mut self) {
        self.lines.abandon();
    }

    /// Opens the file by its name if the open one is no longer it.
    fn follow(&mut self) -> Result<(), SinkError> {
        let Some(place) = self.place.as_mut().filter(|_| self.is_stale) else {
            return Ok(());
        };
        let replaced = self.lines.replace_target(|| place.open());
        replaced.map_err(|cause| SinkError::Open {
            output: self.output.clone(),
            cause,
        })?;
        self.is_stale = false;
        Ok(())
    }
}

fn open(output: &Output) -> io::Result<(Option<Place>, OutputFile)> {
    match output {
        Output::Standard => Ok((None, OutputFile::standard()?)),
        Output::File(path) => {
            let mut place = Place::new(path)?;
            let file = place.open()?;
            Ok((Some(place), file))
        }
    }
}
