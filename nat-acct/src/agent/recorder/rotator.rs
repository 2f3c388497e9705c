//! Rotates the output when it is time.

use std::{io, time::Duration};

use anyhow::{Result, bail};
use tracing::{info, warn};

use super::keeper::Keeper;
use crate::{
    clock,
    sink::{Archive, Due, Output, Rotation, Sink},
};

/// How long to wait after a file could not be renamed.
const PAUSE_NS: u64 = 10_000_000_000;
/// The wall clock may be set, and a machine may sleep, while a wait goes on.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) struct Rotator {
    due: Due,
    keeper: Keeper,
    failed_ns: Option<u64>,
}

impl Rotator {
    /// For an output that is open.
    ///
    /// # Errors
    ///
    /// When it is nothing that can be rotated, or no thread can be started.
    pub(super) fn start(rotation: &Rotation, sink: &Sink) -> Result<Self> {
        let path = match sink.output() {
            Output::File(path) if sink.can_rotate() => path,
            Output::File(_) | Output::Standard => {
                bail!("{} cannot be rotated: it is no regular file", sink.output())
            }
        };
        Ok(Self {
            due: Due::new(rotation, sink.modified_ns()),
            keeper: Keeper::start(Archive::new(path, rotation))?,
            failed_ns: None,
        })
    }

    /// Renames the file if that is due, `before_writing` to it or because time has passed; tells
    /// whether it is to be opened anew.
    pub(super) fn rotate(&mut self, sink: &mut Sink, before_writing: bool) -> bool {
        let (now, len_bytes) = (clock::wall(), sink.len_bytes());
        let is_due = if before_writing {
            self.due.before_writing(len_bytes, now.as_nanosecond())
        } else {
            self.due.is_due(len_bytes, now.as_nanosecond())
        };
        // One that somebody else has renamed is followed soon.
        if !is_due || self.pauses() || sink.is_renamed() {
            return false;
        }
        match sink.rename_aside(now) {
            Ok(name) => {
                self.failed_ns = None;
                info!("{} was rotated, to {}", sink.output(), name.display());
                true
            }
            Err(error) => {
                self.failed(sink, &error);
                false
            }
        }
    }

    /// The file was opened anew, so the old one has all that it gets.
    pub(super) fn begin(&mut self, sink: &Sink) {
        let now_ns = clock::wall().as_nanosecond();
        self.due.before_writing(sink.len_bytes(), now_ns);
        self.keeper.wake();
    }

    /// How long to wait at most before it may be due, if nothing is written.
    pub(super) fn longest_wait(&self) -> Option<Duration> {
        let until_next = self.due.until_next(clock::wall().as_nanosecond())?;
        Some(until_next.min(LONGEST_WAIT))
    }

    fn pauses(&self) -> bool {
        let since = |failed_ns| clock::monotonic_ns().saturating_sub(failed_ns);
        self.failed_ns
            .is_some_and(|failed_ns| since(failed_ns) < PAUSE_NS)
    }

    fn failed(&mut self, sink: &Sink, error: &io::Error) {
        if self.failed_ns.is_none() {
            warn!(
                "cannot rotate {}: {error}; it goes on growing",
                sink.output()
            );
        }
        self.failed_ns = Some(clock::monotonic_ns());
    }
}
