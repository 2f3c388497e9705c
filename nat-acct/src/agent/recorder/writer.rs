//! The thread that writes records. What the sink refuses is tried again until it is taken.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tracing::{error, info};

use super::{
    queue::{Made, Queue, Retry, Work},
    rotator::Rotator,
    timekeeper::Timekeeper,
};
use crate::{
    clock,
    record::{Format, Record},
    sink::{Sink, SinkError},
};

/// Records of one turn. They fit into the sink's buffer.
const MOST_AT_ONCE: usize = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often to look whether the file was rotated without a signal. Not at once: the signal that
/// follows a renaming should find its file made by whoever renamed.
const LOOK_EVERY_NS: u64 = 1_000_000_000;

pub(super) struct Writer {
    sink: Sink,
    timekeeper: Arc<Timekeeper>,
    format: Format,
    queue: Arc<Queue>,
    progress: Arc<Notify>,
    rotator: Option<Rotator>,
    failing: bool,
    looked_ns: u64,
}

/// Why the thread ends.
enum Stop {
    /// Nobody reads the records any more.
    Closed,
    /// The agent ends.
    End,
}

impl Writer {
    pub(super) fn new(
        sink: Sink,
        timekeeper: Arc<Timekeeper>,
        format: Format,
        queue: Arc<Queue>,
        progress: Arc<Notify>,
        rotator: Option<Rotator>,
    ) -> Self {
        Self {
            sink,
            timekeeper,
            format,
            queue,
            progress,
            rotator,
            failing: false,
            looked_ns: clock::monotonic_ns(),
        }
    }

    pub(super) fn run(mut self) {
        let _ended = Ended(Arc::clone(&self.queue), Arc::clone(&self.progress));
        match self.serve() {
            Err(Stop::Closed) => self.queue.set_closed(),
            Ok(()) | Err(Stop::End) => self.sink.abandon(),
        }
    }

    fn serve(&mut self) -> Result<(), Stop> {
        loop {
            let longest = self.rotator.as_ref().and_then(Rotator::longest_wait);
            match self.queue.wait_for_work(MOST_AT_ONCE, longest) {
                Work::Write(made) => self.write(&made)?,
                Work::Reopen => {
                    self.reopen(0)?;
                    info!("{} is opened anew, as asked", self.sink.output());
                }
                Work::Pass => self.rotate(false, 0)?,
                Work::End => return Ok(()),
            }
        }
    }

    fn write(&mut self, all: &[Made]) -> Result<(), Stop> {
        self.follow_file(all.len())?;
        self.rotate(true, all.len())?;
        // With the clocks as they are now, however long it takes until the sink has the lines; others are
        // not to wait for that.
        let stamp = self.timekeeper.stamp().clone();
        let mut line = Vec::new();
        for (made, unpushed) in all.iter().zip((1..=all.len()).rev()) {
            let written = stamp.wall_clock(made.made_ns);
            let record = Record::new(&made.account, made.number, written, &stamp);
            record.put_line(self.format, &mut line);
            self.insist(unpushed, |sink| sink.push(&line))?;
        }
        while self.insist(0, Sink::write_some)? {
            self.report(0);
        }
        self.report(0);
        self.recovered();
        Ok(())
    }

    /// Opens the file anew if it has lost its name.
    fn follow_file(&mut self, unpushed: usize) -> Result<(), Stop> {
        let now_ns = clock::monotonic_ns();
        let due = now_ns.saturating_sub(self.looked_ns) >= LOOK_EVERY_NS;
        if due {
            self.looked_ns = now_ns;
        }
        if self.sink.is_removed() || due && self.sink.is_renamed() {
            info!(
                "{} was moved or removed: opening it anew",
                self.sink.output()
            );
            self.reopen(unpushed)?;
        }
        Ok(())
    }

    /// Rotates the file if that is due. All lines that were added are written.
    fn rotate(&mut self, before_writing: bool, unpushed: usize) -> Result<(), Stop> {
        let Some(rotator) = &mut self.rotator else {
            return Ok(());
        };
        if rotator.rotate(&mut self.sink, before_writing) {
            self.queue.note_rotation();
            self.reopen(unpushed)?;
            if let Some(rotator) = &mut self.rotator {
                rotator.begin(&self.sink);
            }
        }
        Ok(())
    }

    fn reopen(&mut self, unpushed: usize) -> Result<(), Stop> {
        self.insist(unpushed, Sink::reopen)?;
        self.recovered();
        Ok(())
    }

    /// Tries until it succeeds; meanwhile `unpushed` records wait besides those in the sink.
    fn insist<T>(
        &mut self,
        unpushed: usize,
        act: impl Fn(&mut Sink) -> Result<T, SinkError>,
    ) -> Result<T, Stop> {
        let mut pause = FIRST_PAUSE;
        loop {
            match act(&mut self.sink) {
                Ok(done) => return Ok(done),
                Err(SinkError::Closed) => return Err(Stop::Closed),
                Err(cause) => self.failed(&cause),
            }
            self.report(unpushed);
            let retry = self.queue.pause(pause).ok_or(Stop::End)?;
            if retry == Retry::Reopened || self.sink.is_removed() {
                // The sink remembers an error, and the next attempt meets it.
                let _ = self.sink.reopen();
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    fn report(&self, unpushed: usize) {
        if self.queue.report(self.sink.pending_lines() + unpushed) {
            self.progress.notify_one();
        }
    }

    fn failed(&mut self, cause: &SinkError) {
        if !self.failing {
            error!("{cause}; records wait, trying again");
        }
        self.failing = true;
        self.queue.note_error(cause.to_string());
    }

    fn recovered(&mut self) {
        if self.failing {
            info!("{} takes records again", self.sink.output());
        }
        self.failing = false;
        self.queue.note_recovery();
    }
}

/// Says that the thread has ended, however it does.
struct Ended(Arc<Queue>, Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.set_ended();
        self.1.notify_one();
    }
}
