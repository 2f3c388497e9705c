//! Standard input that ends when a signal says so.

use std::{
    io::{self, Read},
    os::fd::AsFd as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd,
};
use signal_hook::consts::{SIGINT, SIGTERM};

/// See the module's description.
pub(super) struct Input {
    input: io::Stdin,
    interrupted: Arc<AtomicBool>,
}

impl Default for Input {
    fn default() -> Self {
        let interrupted = Arc::default();
        for signal in [SIGINT, SIGTERM] {
            // Without a handler, the signal ends the process, as it does elsewhere.
            let _ = signal_hook::flag::register(signal, Arc::clone(&interrupted));
        }
        Self {
            input: io::stdin(),
            interrupted,
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A read is begun again after a signal, a poll is not. `Stdin` would read ahead into a buffer
        // of its own, of which a poll knows nothing.
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Ok(0);
            }
            let mut readable = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
            match poll(&mut readable, PollTimeout::NONE) {
                Ok(_) => return Ok(unistd::read(&self.input, buffer)?),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
