//! Waiting for a condition, bounded. The only place of this crate that
//! sleeps.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Long enough for anything that happens at once on an idle machine, also where
/// an emulated one is busy, so that it only runs out when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(300);

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(5);

/// Asks until there is an answer; an error of the question ends the waiting.
/// `what` completes the sentence "waited 20s for …".
pub fn wait_until<T>(
    deadline: Duration,
    what: &str,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if start.elapsed() >= deadline {
            bail!("waited {deadline:?} for {what}");
        }
        sleep(BETWEEN_QUESTIONS);
    }
}
