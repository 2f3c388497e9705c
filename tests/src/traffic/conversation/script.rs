//! One side of a conversation: the steps of its script, carried out on a
//! socket, and what that socket counted.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::slice::Iter;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use crate::traffic::payload;
use crate::wait::PATIENCE;

/// What one side does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Writes so many bytes.
    Send(u64),
    /// Writes for so long, as fast as it goes.
    SendFor(Duration),
    /// Writes so many bytes and shuts down writing, so that the last segment
    /// carries data and FIN.
    SendWithFin(u64),
    /// Sends FIN; the other direction stays open.
    ShutdownWrite,
    /// Reads so many bytes.
    Receive(u64),
    /// Reads until the peer's FIN.
    ReceiveToEnd,
    /// Waits until something has come, and leaves it unread.
    AwaitData,
    /// Waits until the peer has come to its own `Meet`. Both scripts must have
    /// equally many.
    Meet,
    /// Closes the socket; after it only `Meet` has a meaning. The end of a
    /// script closes too.
    Close,
    /// Sends RST and forgets the connection; otherwise as `Close`.
    Reset,
}

/// How a side of a conversation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It closed its socket.
    Closed,
    /// It sent RST.
    Reset,
    /// The peer's RST came while it wrote or read; the rest of its script was
    /// passed over.
    ResetByPeer,
}

/// What one socket knows in the end.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    /// Its own address.
    pub local: SocketAddr,
    /// The peer's address, as this side sees it.
    pub peer: SocketAddr,
    /// Bytes it wrote.
    pub sent: u64,
    /// Bytes it read.
    pub received: u64,
    /// Its end.
    pub ending: Ending,
}

impl Talk {
    /// Bytes it wrote, and bytes it read.
    #[must_use]
    pub fn streams(&self) -> (u64, u64) {
        (self.sent, self.received)
    }
}

/// Follows a script on a connected socket.
pub fn play(stream: TcpStream, script: &[Step], meeting: &Barrier) -> Result<Talk> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
    let mut side = Side {
        stream,
        sent: 0,
        received: 0,
    };
    let mut steps = script.iter();
    let ending = side.follow(&mut steps, meeting);
    let Side {
        stream,
        sent,
        received,
    } = side;
    drop(stream);
    // The peer shall not wait for someone who is gone.
    for _ in steps.filter(|&&step| step == Step::Meet) {
        meeting.wait();
    }
    let ending = ending.with_context(|| format!("in {script:?}"))?;
    Ok(Talk {
        local,
        peer,
        sent,
        received,
        ending,
    })
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

/// Written at a time, so that gigabytes need no memory.
const CHUNK_BYTES: u64 = 1 << 18;

struct Side {
    stream: TcpStream,
    sent: u64,
    received: u64,
}

impl Side {
    fn follow(&mut self, steps: &mut Iter<'_, Step>, meeting: &Barrier) -> io::Result<Ending> {
        for &step in steps {
            match self.step(step, meeting) {
                Ok(None) => {}
                Ok(Some(ending)) => return Ok(ending),
                Err(error) if is_reset(&error) => return Ok(Ending::ResetByPeer),
                Err(error) => return Err(error),
            }
        }
        Ok(Ending::Closed)
    }

    fn step(&mut self, step: Step, meeting: &Barrier) -> io::Result<Option<Ending>> {
        match step {
            Step::Send(bytes) => self.send(bytes)?,
            Step::SendFor(time) => {
                let start = Instant::now();
                while start.elapsed() < time {
                    self.send(CHUNK_BYTES)?;
                }
            }
            Step::SendWithFin(bytes) => {
                setsockopt(&self.stream, sockopt::TcpCork, &true)?;
                self.send(bytes)?;
                self.stream.shutdown(Shutdown::Write)?;
            }
            Step::ShutdownWrite => self.stream.shutdown(Shutdown::Write)?,
            Step::Receive(bytes) => self.receive(bytes)?,
            Step::ReceiveToEnd => self.receive_to_end()?,
            Step::AwaitData => drop(self.stream.peek(&mut [0])?),
            Step::Meet => drop(meeting.wait()),
            Step::Close => return Ok(Some(Ending::Closed)),
            Step::Reset => {
                let at_once = libc::linger {
                    l_onoff: 1,
                    l_linger: 0,
                };
                setsockopt(&self.stream, sockopt::Linger, &at_once)?;
                return Ok(Some(Ending::Reset));
            }
        }
        Ok(None)
    }

    fn send(&mut self, bytes: u64) -> io::Result<()> {
        let chunk = payload(bytes.min(CHUNK_BYTES));
        let until = self.sent + bytes;
        while self.sent < until {
            let left = usize::try_from(until - self.sent).unwrap_or(usize::MAX);
            self.sent += self.stream.write(&chunk[..chunk.len().min(left)])? as u64;
        }
        Ok(())
    }

    fn receive(&mut self, bytes: u64) -> io::Result<()> {
        let until = self.received + bytes;
        while self.received < until {
            if self.read_some(until - self.received)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn receive_to_end(&mut self) -> io::Result<()> {
        while self.read_some(u64::MAX)? > 0 {}
        Ok(())
    }

    fn read_some(&mut self, most: u64) -> io::Result<usize> {
        let mut buffer = [0; 65536];
        let most = buffer
            .len()
            .min(usize::try_from(most).unwrap_or(usize::MAX));
        let read = self.stream.read(&mut buffer[..most])?;
        self.received += read as u64;
        Ok(read)
    }
}
