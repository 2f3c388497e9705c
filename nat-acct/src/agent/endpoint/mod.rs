//! Where the agent tells how it stands: metrics by HTTP, and its figures at a unix socket. All
//! sockets are opened before the agent shuts itself in.
//!
//! Whoever asks waits for the loop, so an answer also says that the loop goes round.

mod address;
mod http;
mod listener;
mod questions;
mod status;

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

pub use self::address::Address;
pub(super) use self::questions::Questions;
use self::{
    listener::{Listener, Stream},
    questions::Asker,
};
use crate::source::live::Occupancy;

/// Those who connect at the same time to one socket; more wait.
const MOST_AT_ONCE: usize = 32;
/// How long an answer may take, the question included.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Sockets that are open, but not answered yet.
#[derive(Default)]
pub(super) struct Endpoints {
    metrics: Option<Listener>,
    status: Option<Listener>,
}

impl Endpoints {
    /// Opens what is wanted.
    ///
    /// # Errors
    ///
    /// When a socket cannot be opened.
    pub(super) fn bind(metrics: Option<&Address>, status: Option<&Path>) -> Result<Self> {
        let status = status.map(|path| Address::Unix(path.to_owned()));
        Ok(Self {
            metrics: metrics.map(Listener::bind).transpose()?,
            status: status.as_ref().map(Listener::bind).transpose()?,
        })
    }

    /// Begins to answer.
    pub(super) fn answer(self, questions: &Questions, occupancy: &Occupancy) {
        let asker = || questions.asker(occupancy.clone());
        if let Some(listener) = self.metrics {
            tokio::spawn(serve(listener, asker(), http::answer));
        }
        if let Some(listener) = self.status {
            tokio::spawn(serve(listener, asker(), status::answer));
        }
    }
}

async fn serve<F, A>(listener: Listener, asker: Asker, answer: F)
where
    F: Fn(Stream, Asker) -> A,
    A: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok(stream) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let answered = timeout(PATIENCE, answer(stream, asker.clone()));
        tokio::spawn(async move {
            // One that takes longer is cut off.
            let _ = answered.await;
            drop(place);
        });
    }
}
