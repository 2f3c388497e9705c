//! What the loop and the thread that writes tell each other.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::record::Account;

/// A record in the making.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) account: Account,
    /// The number of the record, if it is of an end.
    pub(super) number: Option<u64>,
    /// When it was made, by the monotonic clock.
    pub(super) made_ns: u64,
}

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Work {
    Write(Vec<Made>),
    Reopen,
    /// Nothing has come for as long as was to be waited.
    Pass,
    End,
}

/// How far the thread is.
#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    /// Records that are not wholly written.
    pub(super) waiting: usize,
    /// Records that are.
    pub(super) written: u64,
    /// When the oldest of those that are not was made, by the monotonic clock.
    pub(super) oldest_ns: Option<u64>,
    /// Why they cannot be written, as long as that is so.
    pub(super) cause: Option<String>,
    /// How often writing has failed so far.
    pub(super) errors: u64,
    /// How often the output was rotated so far.
    pub(super) rotations: u64,
    /// Nobody reads any more.
    pub(super) closed: bool,
    /// The thread has ended.
    pub(super) ended: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    made: VecDeque<Made>,
    /// When all those that wait were made, also those in the thread's hands.
    waiting_since_ns: VecDeque<u64>,
    reopen: bool,
    end: bool,
    status: Status,
}

impl Queue {
    /// Adds a record, of which [`Self::tell`] tells the thread.
    pub(super) fn push(&self, made: Made) {
        let mut state = self.lock();
        state.waiting_since_ns.push_back(made.made_ns);
        state.made.push_back(made);
        state.status.waiting += 1;
    }

    /// Tells the thread of the records that it has not taken, if there are some.
    pub(super) fn tell(&self) {
        if !self.lock().made.is_empty() {
            self.work.notify_one();
        }
    }

    pub(super) fn ask_reopen(&self) {
        self.lock().reopen = true;
        self.work.notify_one();
    }

    pub(super) fn end(&self) {
        self.lock().end = true;
        self.work.notify_one();
    }

    pub(super) fn status(&self) -> Status {
        let state = self.lock();
        Status {
            oldest_ns: state.waiting_since_ns.front().copied(),
            ..state.status.clone()
        }
    }

    /// Waits for work, of which up to `most` records are a part, no longer than `longest`. Records
    /// come before a reopening that was asked for after them.
    pub(super) fn wait_for_work(&self, most: usize, longest: Option<Duration>) -> Work {
        let mut state = self.lock();
        let mut has_waited = false;
        loop {
            if state.end {
                return Work::End;
            }
            if !state.made.is_empty() {
                let count = most.min(state.made.len());
                return Work::Write(state.made.drain(..count).collect());
            }
            if state.reopen {
                state.reopen = false;
                return Work::Reopen;
            }
            if has_waited {
                return Work::Pass;
            }
            (state, has_waited) = self.wait(state, longest);
        }
    }

    /// Waits to be told of something; tells whether it was for as long as `longest`.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        longest: Option<Duration>,
    ) -> (MutexGuard<'a, State>, bool) {
        let Some(longest) = longest else {
            let state = self.work.wait(state);
            return (state.unwrap_or_else(PoisonError::into_inner), false);
        };
        let waited = self.work.wait_timeout(state, longest);
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        (state, timeout.timed_out())
    }

    /// Waits before something is tried again, unless there is a reason to try at once. `None` when
    /// there is no more to be tried.
    pub(super) fn pause(&self, duration: Duration) -> Option<Retry> {
        let nothing_new = |state: &mut State| !state.end && !state.reopen;
        let waited = self
            .work
            .wait_timeout_while(self.lock(), duration, nothing_new);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.end {
            return None;
        }
        let reopen = std::mem::take(&mut state.reopen);
        Some(if reopen { Retry::Reopened } else { Retry::Same })
    }

    /// Notes how many records wait in the thread's hands, apart from those in the queue; tells
    /// whether some were written.
    pub(super) fn report(&self, in_hand: usize) -> bool {
        let mut state = self.lock();
        let waiting = state.made.len() + in_hand;
        let written = state.status.waiting.saturating_sub(waiting);
        state.status.written += written as u64;
        state.status.waiting = waiting;
        state.waiting_since_ns.drain(..written);
        written > 0
    }

    pub(super) fn note_error(&self, cause: String) {
        let mut state = self.lock();
        state.status.cause = Some(cause);
        state.status.errors += 1;
    }

    pub(super) fn note_rotation(&self) {
        self.lock().status.rotations += 1;
    }

    pub(super) fn note_recovery(&self) {
        self.lock().status.cause = None;
    }

    pub(super) fn set_closed(&self) {
        self.lock().status.closed = true;
    }

    pub(super) fn set_ended(&self) {
        self.lock().status.ended = true;
    }

    /// Each change is complete in itself, so a panic leaves nothing half-done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Same,
    /// With the file opened by its name again.
    Reopened,
}
