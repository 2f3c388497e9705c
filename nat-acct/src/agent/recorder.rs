//! From a closed connection to its line in the sink.

use std::collections::VecDeque;

use tracing::{error, info};

use crate::{
    clock,
    record::{Closed, Format, Record, Stamp},
    sink::{Sink, SinkError},
};

pub(super) struct Recorder {
    sink: Sink,
    stamp: Stamp,
    format: Format,
    /// Lines that the sink has not taken.
    waiting: VecDeque<String>,
    failing: bool,
}

impl Recorder {
    pub(super) fn new(sink: Sink, stamp: Stamp, format: Format) -> Self {
        Self {
            sink,
            stamp,
            format,
            waiting: VecDeque::new(),
            failing: false,
        }
    }

    /// Makes the record of a connection, with this number. It is written with the next
    /// [`Self::flush`].
    pub(super) fn record(&mut self, closed: &Closed, number: u64) {
        let record = Record::new(closed, number, clock::wall(), &self.stamp);
        self.waiting.push_back(record.to_json(self.format));
    }

    /// Writes all records, or as many as the sink takes.
    ///
    /// # Errors
    ///
    /// [`SinkError::Closed`]; other errors are logged, and the records kept.
    pub(super) fn flush(&mut self) -> Result<(), SinkError> {
        match self.try_flush() {
            Ok(()) => {
                if self.failing {
                    info!("records are being written again");
                }
                self.failing = false;
                Ok(())
            }
            Err(SinkError::Closed) => Err(SinkError::Closed),
            Err(cause) => {
                if !self.failing {
                    error!("{cause}; trying again");
                }
                self.failing = true;
                Ok(())
            }
        }
    }

    /// Writes all records, for the last time.
    pub(super) fn close(&mut self) -> Result<(), SinkError> {
        self.try_flush()
    }

    /// Records that wait for the sink.
    pub(super) fn pending(&self) -> usize {
        self.waiting.len() + self.sink.pending_lines()
    }

    fn try_flush(&mut self) -> Result<(), SinkError> {
        while let Some(line) = self.waiting.front() {
            self.sink.push(line)?;
            self.waiting.pop_front();
        }
        self.sink.flush()
    }
}
