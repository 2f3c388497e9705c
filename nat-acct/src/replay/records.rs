//! From what is told of connections to lines in the sink, and their sums for the summary.

use super::Config;
use crate::{
    record::{Account, Format, Record, Run, Stamp},
    sink::{Sink, SinkError},
};

/// The sums over all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Connections that have ended.
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

impl Sums {
    fn add(&mut self, closed: &Account) {
        self.connections += 1;
        self.matched += u64::from(closed.translated.is_some());
        self.partial += u64::from(closed.partial);
        if !closed.repeats_another() {
            self.sent_bytes += closed.totals.sent.payload_bytes;
            self.received_bytes += closed.totals.received.payload_bytes;
        }
    }
}

/// In the flow step 0 means "never", so the source's clock begins before the epoch does.
pub(super) const EPOCH_NS: u64 = 1;

pub(super) struct Records {
    sink: Sink,
    stamp: Stamp,
    format: Format,
    /// The last one, in memory that the next one takes.
    line: Vec<u8>,
    sums: Sums,
    /// Whose numbers the records have, once there is one.
    run: Option<Run>,
}

impl Records {
    pub(super) fn new(sink: Sink, inside: &[String], outside: &[String], config: &Config) -> Self {
        Self {
            sink,
            stamp: Stamp::new(-i128::from(EPOCH_NS), inside, outside).telling(config.remotes),
            format: config.format,
            line: Vec::new(),
            sums: Sums::default(),
            run: None,
        }
    }

    /// Writes a record that was made at `now_ns`: so the same captures give the same records at any
    /// time.
    pub(super) fn record(&mut self, account: &Account, now_ns: u64) -> Result<(), SinkError> {
        if self.run.is_none() {
            let run = Run::of_first(account);
            self.stamp = self.stamp.clone().of_run(run);
            self.run = Some(run);
        }
        let number = account.end().map(|_| self.sums.connections);
        let written = self.stamp.wall_clock(now_ns);
        let record = Record::new(account, number, written, &self.stamp);
        record.put_line(self.format, &mut self.line);
        self.sink.push(&self.line)?;
        if number.is_some() {
            self.sums.add(account);
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
