//! Records on their way from the loop to the sink.
//!
//! A thread of its own writes them, because a write can block for as long as it likes: a pipe whose
//! reader has stopped, a file on a server that does not answer. Waiting for a descriptor helps with
//! pipes only, and O_NONBLOCK is a property that other users of the same pipe would find changed.
//! So the loop never writes. It hands over as many records as the queue has [`room`] for, and
//! leaves the rest in the kernel's tables.
//!
//! [`room`]: Recorder::room

mod figures;
mod interim;
mod keeper;
mod queue;
mod rotator;
mod stall;
mod timekeeper;
mod writer;

use std::{sync::Arc, thread, time::Duration};

use anyhow::{Context as _, Result};
use thiserror::Error;
use tokio::{sync::Notify, time::timeout};

use self::{
    interim::Interim,
    queue::{Made, Queue, Status},
    rotator::Rotator,
    stall::Stall,
    timekeeper::Timekeeper,
    writer::Writer,
};
use crate::{
    clock,
    record::{Account, Format, Stamp},
    sink::{Output, Rotation, Sink},
};

/// Records that wait for a sink that takes none: some 3 MB. More stay in the kernel's tables.
const MOST_WAITING: usize = 10_000;
/// How long to wait at the end for a sink that takes nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for the thread to end, which takes a half-written line back.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why no more records can be written.
#[derive(Debug, Error)]
pub(super) enum RecorderError {
    /// The reader of standard output is gone: a reason to end, not to complain.
    #[error("standard output is closed")]
    Closed,
    #[error("{count} records could not be written: {cause}")]
    Unwritten { count: u64, cause: String },
}

pub(super) struct Recorder {
    queue: Arc<Queue>,
    /// Told whenever records were written.
    progress: Arc<Notify>,
    timekeeper: Arc<Timekeeper>,
    output: Output,
    stall: Stall,
    interim: Interim,
    /// Records that were made so far.
    made: u64,
    /// Once the sink was given up: how many records have come since.
    refused: Option<u64>,
}

impl Recorder {
    /// Starts the thread that writes, and rotates what it writes to.
    pub(super) fn start(
        sink: Sink,
        stamp: Stamp,
        format: Format,
        rotation: Option<&Rotation>,
    ) -> Result<Self> {
        let rotator = rotation.map(|rotation| Rotator::start(rotation, &sink));
        let rotator = rotator.transpose()?;
        let queue = Arc::new(Queue::default());
        let progress = Arc::new(Notify::new());
        let timekeeper = Arc::new(Timekeeper::new(stamp));
        let output = sink.output().clone();
        let writer = Writer::new(
            sink,
            Arc::clone(&timekeeper),
            format,
            Arc::clone(&queue),
            Arc::clone(&progress),
            rotator,
        );
        thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || writer.run())
            .context("cannot start the thread that writes records")?;
        Ok(Self {
            queue,
            progress,
            timekeeper,
            output,
            stall: Stall::default(),
            interim: Interim::default(),
            made: 0,
            refused: None,
        })
    }

    /// Makes the record of a connection that has ended, with this number.
    pub(super) fn record(&mut self, account: &Account, number: u64) {
        match &mut self.refused {
            Some(refused) => *refused += 1,
            None => self.push(account, Some(number)),
        }
    }

    /// Makes the record of a connection that goes on.
    pub(super) fn record_interim(&mut self, account: &Account) {
        if self.refused.is_none() {
            self.push(account, None);
            self.interim.made(self.made);
        }
    }

    fn push(&mut self, account: &Account, number: Option<u64>) {
        self.made += 1;
        self.queue.push(Made {
            account: *account,
            number,
            made_ns: clock::monotonic_ns(),
        });
    }

    /// Has the records written that were made: many at a time, as to wake the thread takes longer than
    /// to make one.
    pub(super) fn write(&self) {
        self.queue.tell();
    }

    /// How many records were written so far.
    pub(super) fn written(&self) -> u64 {
        self.queue.status().written
    }

    /// How many records were made so far.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// How many records of ends it takes now, whatever others wait.
    pub(super) fn room(&mut self) -> usize {
        if self.refused.is_some() {
            return usize::MAX;
        }
        let status = self.queue.status();
        let of_ends = status.waiting - self.interim.waiting(status.written);
        MOST_WAITING.saturating_sub(of_ends)
    }

    /// How many records of connections that go on it takes now.
    pub(super) fn interim_room(&mut self) -> usize {
        match self.refused {
            Some(_) => 0,
            None => self.interim.room(self.queue.status().written),
        }
    }

    /// Has the file opened by its name again, once what waits has gone to the old one.
    pub(super) fn reopen(&self) {
        self.queue.ask_reopen();
    }

    /// Told whenever records were written.
    pub(super) fn progress(&self) -> Arc<Notify> {
        Arc::clone(&self.progress)
    }

    /// # Errors
    ///
    /// [`RecorderError::Closed`], once nobody reads the records any more.
    pub(super) fn check(&self) -> Result<(), RecorderError> {
        let status = self.queue.status();
        if status.closed {
            Err(RecorderError::Closed)
        } else if status.ended {
            Err(self.unwritten(status))
        } else {
            Ok(())
        }
    }

    /// Looks whether a clock was set, and whether the sink hangs, which no error tells.
    pub(super) fn look_around(&mut self) {
        drop(self.timekeeper.stamp());
        let status = self.queue.status();
        self.stall
            .look(&status, clock::monotonic_ns(), &self.output);
    }

    /// Waits until records are written; gives up when none is for too long. From then on, records
    /// are only counted.
    pub(super) async fn wait_or_give_up(&mut self) {
        self.write();
        if timeout(PATIENCE, self.progress.notified()).await.is_err() {
            self.refused = Some(0);
        }
    }

    /// Waits until all is written, or until the sink takes nothing for too long.
    ///
    /// # Errors
    ///
    /// When something is left that could not be written.
    pub(super) async fn finish(&mut self) -> Result<(), RecorderError> {
        while self.refused.is_none() {
            self.check()?;
            if self.queue.status().waiting == 0 {
                return Ok(());
            }
            self.wait_or_give_up().await;
        }
        self.end().await;
        match self.unwritten(self.queue.status()) {
            RecorderError::Unwritten { count: 0, .. } => Ok(()),
            unwritten => Err(unwritten),
        }
    }

    /// Has the thread end, and leaves it alone if a write holds it.
    async fn end(&self) {
        self.queue.end();
        let ended = async {
            while !self.queue.status().ended {
                self.progress.notified().await;
            }
        };
        let _ = timeout(LAST_WORDS, ended).await;
    }

    fn unwritten(&self, status: Status) -> RecorderError {
        RecorderError::Unwritten {
            count: status.waiting as u64 + self.refused.unwrap_or(0),
            cause: status.cause.unwrap_or_else(|| stall::cause(&self.output)),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue.end();
    }
}
