//! Asks a running agent how it stands.

use std::{
    io::{self, ErrorKind, Read as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::agent::figures::Figures;

/// Longer than a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// What comes of it.
pub(super) enum Answer {
    Figures(Box<Figures>),
    /// No agent listens there.
    Nobody,
    /// One does, and does not answer.
    Silence,
}

/// Asks the agent that listens at `socket`.
///
/// # Errors
///
/// When it may not be asked, or answers what is not understood.
pub(super) fn ask(socket: &Path) -> Result<Answer> {
    let said = match read(socket) {
        Ok(said) if said.is_empty() => return Ok(Answer::Silence),
        Ok(said) => said,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(Answer::Nobody),
                ErrorKind::WouldBlock => Ok(Answer::Silence),
                _ => Err(error).with_context(|| format!("cannot ask {}", socket.display())),
            };
        }
    };
    let figures = serde_json::from_slice(&said).with_context(|| {
        let socket = socket.display();
        format!("the agent at {socket} is of another version: ask with its own nat-acct")
    })?;
    Ok(Answer::Figures(figures))
}

fn read(socket: &Path) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said)?;
    Ok(said)
}
