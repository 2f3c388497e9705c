//! The service manager's end of `sd_notify(3)`: what a service says of itself.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::wait::PATIENCE;

/// Longer than any message of a service.
const MOST_BYTES: usize = 4096;

/// A socket that a service speaks to.
pub struct Notified {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Notified {
    /// Makes the socket in this directory.
    pub fn listen(dir: &Path) -> Result<Self> {
        let path = dir.join("notify");
        let socket = UnixDatagram::bind(&path)?;
        Ok(Self { socket, path })
    }

    /// Tells a service that is to be started where to speak, and how often at least.
    pub fn announce(&self, command: &mut Command, watchdog: Duration) {
        command.env("NOTIFY_SOCKET", &self.path);
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
    }

    /// Waits for a message with this line, and returns the messages before it.
    pub fn wait_for(&self, line: &str) -> Result<Vec<String>> {
        let mut before = Vec::new();
        loop {
            let message = self.next(PATIENCE)?;
            let message = message.with_context(|| format!("no {line:?} behind {before:?}"))?;
            if message.lines().any(|said| said == line) {
                return Ok(before);
            }
            before.push(message);
        }
    }

    /// The next message, if one comes in time.
    pub fn next(&self, patience: Duration) -> Result<Option<String>> {
        let mut bytes = [0; MOST_BYTES];
        self.socket.set_read_timeout(Some(patience))?;
        match self.socket.recv(&mut bytes) {
            Ok(count) => Ok(Some(String::from_utf8(bytes[..count].to_vec())?)),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
