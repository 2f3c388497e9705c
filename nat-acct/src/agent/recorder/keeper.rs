//! The thread that sees to rotated files: compressing takes long, and must not hold up records.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use tracing::{info, warn};

use crate::{clock, sink::Archive};

/// How often to look without a reason: files get old.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Ends when this is dropped; what it was doing then, the next one does again.
pub(super) struct Keeper(Sender<()>);

impl Keeper {
    pub(super) fn start(archive: Archive) -> io::Result<Self> {
        let (rotated, wake) = channel();
        thread::Builder::new()
            .name("rotated".to_owned())
            .spawn(move || keep(&archive, &wake))?;
        Ok(Self(rotated))
    }

    /// A file was rotated.
    pub(super) fn wake(&self) {
        // The thread ends with the program only.
        let _ = self.0.send(());
    }
}

fn keep(archive: &Archive, wake: &Receiver<()>) {
    let mut last_error = None;
    loop {
        let error = archive
            .look(clock::wall())
            .err()
            .map(|error| error.to_string());
        if error != last_error {
            match &error {
                Some(error) => warn!("rotated files stay as they are: {error}; trying again"),
                None => info!("rotated files are seen to again"),
            }
        }
        last_error = error;
        if wake.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}
