//! The signals that end the agent in order, and the one that has the output opened again. From the
//! moment they are listened for, no number of them ends it otherwise.

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// SIGINT or SIGTERM.
    Stop,
    /// SIGHUP.
    HungUp,
}

pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen.
    pub(super) fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Resolves when a signal has come.
    pub(super) async fn received(&mut self) -> Meaning {
        tokio::select! {
            _ = self.interrupt.recv() => Meaning::Stop,
            _ = self.terminate.recv() => Meaning::Stop,
            _ = self.hang_up.recv() => Meaning::HungUp,
        }
    }
}
