//! Where records go: one line each, to standard output or to a file. What a line says is the
//! record's worry; when to flush is the agent's.

mod error;
mod lines;
mod output;

use std::fs::File;

pub use error::SinkError;
pub use output::Output;

use lines::Lines;

/// A place for records.
///
/// A record is written only once [`flush`](Self::flush) has returned `Ok`: until then, what it was
/// made from must be kept. A sink that is dropped tries once more to write what it holds.
#[derive(Debug)]
pub struct Sink {
    output: Output,
    lines: Lines<File>,
}

impl Sink {
    /// Opens `output`. A file is made if it is missing, readable for its owner and group, and
    /// never shortened: lines are added at its end. To open a FIFO is to wait for its reader.
    pub fn open(output: Output) -> Result<Self, SinkError> {
        match output::open(&output) {
            Ok(file) => Ok(Self {
                output,
                lines: Lines::new(file),
            }),
            Err(cause) => Err(SinkError::Open { output, cause }),
        }
    }

    /// Adds one line, given without its end. On an error the line was not taken, and may be given
    /// again.
    pub fn push(&mut self, line: &str) -> Result<(), SinkError> {
        let pushed = self.lines.push(line);
        pushed.map_err(|cause| SinkError::of_write(&self.output, cause))
    }

    /// Writes all lines that were added. On an error the lines that are not written stay here, and
    /// a next call goes on at the byte where this one stopped.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        let flushed = self.lines.flush();
        flushed.map_err(|cause| SinkError::of_write(&self.output, cause))
    }

    /// How many lines were added and are not wholly written.
    pub fn pending_lines(&self) -> usize {
        self.lines.pending_lines()
    }
}
