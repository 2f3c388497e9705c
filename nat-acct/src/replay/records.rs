//! From closed connections to lines in the sink, and their sums for the summary.

use crate::{
    record::{Closed, Format, Record, Stamp},
    sink::{Sink, SinkError},
};

/// The sums over all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Records.
    pub connections: u64,
    /// Those with a translated address.
    pub matched: u64,
    /// Those for which segments are missing.
    pub partial: u64,
    /// Payload bytes from clients to remotes.
    pub sent_bytes: u64,
    /// Payload bytes from remotes to clients.
    pub received_bytes: u64,
}

/// In the flow step 0 means "never", so the source's clock begins before the epoch does.
pub(super) const EPOCH_NS: u64 = 1;

pub(super) struct Records {
    sink: Sink,
    stamp: Stamp,
    format: Format,
    sums: Sums,
}

impl Records {
    pub(super) fn new(sink: Sink, inside: &[String], outside: &[String], format: Format) -> Self {
        Self {
            sink,
            stamp: Stamp::new(-i128::from(EPOCH_NS), inside, outside),
            format,
            sums: Sums::default(),
        }
    }

    /// Writes the record of a connection that was closed at `now_ns`: so the same captures give
    /// the same records at any time.
    pub(super) fn record(&mut self, closed: &Closed, now_ns: u64) -> Result<(), SinkError> {
        let written = self.stamp.wall_clock(now_ns);
        let record = Record::new(closed, self.sums.connections, written, &self.stamp);
        self.sink.push(&record.to_json(self.format))?;
        self.sums.connections += 1;
        self.sums.matched += u64::from(closed.translated.is_some());
        self.sums.partial += u64::from(closed.partial);
        if !closed.repeats_another() {
            self.sums.sent_bytes += closed.totals.sent.payload_bytes;
            self.sums.received_bytes += closed.totals.received.payload_bytes;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), SinkError> {
        self.sink.flush()
    }

    pub(super) fn sums(&self) -> &Sums {
        &self.sums
    }
}
