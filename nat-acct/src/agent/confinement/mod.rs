//! What the agent gives up once its programs are attached: the capabilities that only loading
//! takes, the way to ever get others, and all files but those that it goes on using.
//!
//! All of it is a property of a thread, which those inherit that it starts. So it is done while
//! there is no other thread.

mod capabilities;
mod files;

use std::{fs, io, time::Duration};

use anyhow::{Context as _, Result};
use nix::sys::prctl;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

pub(super) use self::files::Files;

/// How long to wait for threads that have done their work.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
const THREADS: &str = "/proc/self/task";

/// Gives up what is not needed any more. Of files, `files` stay, if they are to be shut out at all.
///
/// # Errors
///
/// When the kernel refuses.
pub(super) async fn enter(files: Option<&Files>) -> Result<()> {
    if timeout(PATIENCE, until_alone()).await.is_err() {
        warn!("a thread that is left from the start keeps its capabilities");
    }
    prctl::set_no_new_privs().context("cannot give up new privileges")?;
    capabilities::keep_needed().context("cannot give up capabilities")?;
    if let Some(files) = files {
        let extent = files.shut_others_out();
        debug!(
            extent = extent.context("cannot shut files out")?,
            "landlock"
        );
    }
    Ok(())
}

async fn until_alone() {
    while threads().is_ok_and(|threads| threads > 1) {
        sleep(BETWEEN_LOOKS).await;
    }
}

fn threads() -> io::Result<usize> {
    Ok(fs::read_dir(THREADS)?.count())
}
