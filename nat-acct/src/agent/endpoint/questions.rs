//! How those who are asked from outside ask the loop.

use anyhow::Result;
use tokio::sync::{mpsc, oneshot};

use crate::{
    agent::{driver::Driver, figures::Figures},
    source::live::{Occupancy, Occupied},
};

/// More at a time wait until the loop has answered some.
const MOST_AT_ONCE: usize = 8;

/// The loop's end.
pub(in crate::agent) struct Questions {
    /// Keeps the other one open, also when nobody asks.
    asker: mpsc::Sender<Question>,
    questions: mpsc::Receiver<Question>,
}

/// Asks how it stands.
#[derive(Clone)]
pub(super) struct Asker {
    asker: mpsc::Sender<Question>,
    occupancy: Occupancy,
}

/// One who wants to know how it stands.
pub(in crate::agent) struct Question {
    occupied: Occupied,
    reply: oneshot::Sender<Figures>,
}

impl Questions {
    pub(in crate::agent) fn new() -> Self {
        let (asker, questions) = mpsc::channel(MOST_AT_ONCE);
        Self { asker, questions }
    }

    pub(super) fn asker(&self, occupancy: Occupancy) -> Asker {
        Asker {
            asker: self.asker.clone(),
            occupancy,
        }
    }

    /// Resolves when there is one.
    pub(in crate::agent) async fn next(&mut self) -> Option<Question> {
        self.questions.recv().await
    }
}

impl Question {
    pub(in crate::agent) fn answer(self, driver: &Driver) -> Result<()> {
        // Who has lost patience does not matter.
        let _ = self.reply.send(driver.figures(self.occupied)?);
        Ok(())
    }
}

impl Asker {
    /// `None` if the loop has ended.
    pub(super) async fn ask(&self) -> Option<Figures> {
        let occupancy = self.occupancy.clone();
        // Of a large table it takes so long that the loop should not do it.
        let occupied = tokio::task::spawn_blocking(move || occupancy.count());
        let occupied = occupied.await.ok()?;
        let (reply, answer) = oneshot::channel();
        self.asker.send(Question { occupied, reply }).await.ok()?;
        answer.await.ok()
    }
}
