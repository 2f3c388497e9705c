//! Two sockets of our own that follow scripts and count: every way to send and
//! to end can be written as two lists of steps.
//!
//! ```no_run
//! # use nat_acct_tests::{Family, Lab, Ns, traffic::conversation::{Conversation, Step::*}};
//! # let lab = Lab::up().unwrap();
//! // A half-close by the client, with data following.
//! let done = Conversation::new(&lab, Ns::Client1, Family::V4)
//!     .run(&[Send(500), ShutdownWrite, ReceiveToEnd, Close], &[ReceiveToEnd, Send(9000), Close])
//!     .unwrap();
//! let truth = done.truth("half-close", &["fin"]);
//! ```

mod script;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;

use anyhow::{Context, Result};

pub use script::{Ending, Step, Talk, play};

use super::connect::{attempt_with_isn, dial_with_data, listen};
use super::{mptcp, payload};
use crate::lab::{Family, Lab, Ns, translated};
use crate::random::Random;
use crate::truth::{Count, Truth};
use crate::wait::{PATIENCE, wait_until};

/// Both sides of a finished conversation.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// The inside socket.
    pub client: Talk,
    /// The remote's socket, whose peer is the translated address.
    pub remote: Talk,
}

impl Done {
    /// The truth about the connection; where the ends differ in a count,
    /// because of a reset, it is between the two.
    #[must_use]
    pub fn truth(&self, label: &str, reasons: &'static [&'static str]) -> Truth {
        Truth {
            label: label.to_owned(),
            client: self.client.local.ip(),
            client_port: Some(self.client.local.port()),
            remote: self.client.peer,
            translated: self.remote.peer.ip(),
            translated_port: Some(self.remote.peer.port()),
            sent: Count::of(self.client.sent, self.remote.received),
            received: Count::of(self.remote.sent, self.client.received),
            reasons,
        }
    }
}

/// A conversation of each client in each family, one after the other, of sizes by chance.
pub fn of_everyone(lab: &Lab, random: &mut Random, label: &str) -> Result<Vec<Truth>> {
    let mut truths = Vec::new();
    for family in [Family::V4, Family::V6] {
        for client in Ns::CLIENTS {
            let (up, down) = (random.size(300_000), random.size(300_000));
            let done = Conversation::new(lab, client, family).run(
                &[Step::Send(up), Step::ReceiveToEnd],
                &[Step::Receive(up), Step::Send(down), Step::Close],
            )?;
            truths.push(done.truth(label, &["fin"]));
        }
    }
    Ok(truths)
}

/// A conversation between a client and the remote.
#[derive(Clone)]
pub struct Conversation<'a> {
    lab: &'a Lab,
    client: Ns,
    remote: Ns,
    remote_address: Option<IpAddr>,
    family: Family,
    client_port: u16,
    remote_port: u16,
    dialled: Option<SocketAddr>,
    isn: Option<u32>,
    is_inbound: bool,
    early: u64,
    multipath: bool,
}

impl<'a> Conversation<'a> {
    /// Opened by this client, on ports that the kernel chooses.
    #[must_use]
    pub fn new(lab: &'a Lab, client: Ns, family: Family) -> Self {
        Self {
            lab,
            client,
            remote: Ns::Remote,
            remote_address: None,
            family,
            client_port: 0,
            remote_port: 0,
            dialled: None,
            isn: None,
            is_inbound: false,
            early: 0,
            multipath: false,
        }
    }

    /// With a host other than the remote, such as the gateway itself.
    #[must_use]
    pub fn with(self, remote: Ns) -> Self {
        Self { remote, ..self }
    }

    /// To this address of the remote instead of its usual one.
    #[must_use]
    pub fn remote_address(self, address: IpAddr) -> Self {
        Self {
            remote_address: Some(address),
            ..self
        }
    }

    /// On this port of the client.
    #[must_use]
    pub fn client_port(self, client_port: u16) -> Self {
        Self {
            client_port,
            ..self
        }
    }

    /// On this port of the remote.
    #[must_use]
    pub fn remote_port(self, remote_port: u16) -> Self {
        Self {
            remote_port,
            ..self
        }
    }

    /// Opened by the remote, to a port of the gateway that
    /// [`Lab::forward_port`] leads to [`Self::client_port`].
    #[must_use]
    pub fn inbound(self, forwarded_port: u16) -> Self {
        let gateway = SocketAddr::new(translated(self.family), forwarded_port);
        Self {
            is_inbound: true,
            ..self.dialling(gateway)
        }
    }

    /// Opened to this address, which the gateway translates to that of the side
    /// that is called.
    #[must_use]
    pub fn dialling(self, dialled: SocketAddr) -> Self {
        Self {
            dialled: Some(dialled),
            ..self
        }
    }

    /// Opened with this initial sequence number.
    #[must_use]
    pub fn isn(self, isn: u32) -> Self {
        Self {
            isn: Some(isn),
            ..self
        }
    }

    /// Opened by TCP Fast Open, with so many bytes before the client's script.
    #[must_use]
    pub fn fast_open(self, early: u64) -> Self {
        Self { early, ..self }
    }

    /// Between two sockets of Multipath TCP, on ports that the kernel chooses.
    #[must_use]
    pub fn multipath(self) -> Self {
        Self {
            multipath: true,
            ..self
        }
    }

    /// Plays both scripts to their end.
    pub fn run(&self, client: &[Step], remote: &[Step]) -> Result<Done> {
        let (at_client, at_remote, _listener) = self.open()?;
        let done = between((at_client, client), (at_remote, remote))?;
        Ok(self.with_early(done))
    }

    /// The same, but both scripts have exactly two `Meet`s; between them, with
    /// both sides at rest, `meanwhile` runs.
    pub fn run_with<T>(
        &self,
        client: &[Step],
        remote: &[Step],
        meanwhile: impl FnOnce() -> T,
    ) -> Result<(Done, T)> {
        let meeting = Barrier::new(3);
        let (at_client, at_remote, _listener) = self.open()?;
        let (client, remote) = ((at_client, client), (at_remote, remote));
        let (done, result) = play_both(client, remote, &meeting, || {
            meeting.wait();
            // A panic must not leave the others waiting.
            let result = catch_unwind(AssertUnwindSafe(meanwhile));
            meeting.wait();
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })?;
        Ok((self.with_early(done), result))
    }

    /// What was sent with the SYN was sent before the script.
    fn with_early(&self, mut done: Done) -> Done {
        done.client.sent += self.early;
        done
    }

    /// The sockets of client and remote, and what is to stay open with them.
    fn open(&self) -> Result<(TcpStream, TcpStream, Option<TcpListener>)> {
        let &Self {
            lab,
            client,
            remote,
            remote_address,
            family,
            client_port,
            remote_port,
            dialled,
            isn,
            is_inbound,
            early,
            multipath,
        } = self;
        let dial = |from, port, listener: &TcpListener| {
            let to = dialled.map_or_else(|| listener.local_addr(), Ok)?;
            anyhow::Ok(attempt_with_isn(lab, from, port, isn, to, PATIENCE)?.outcome?)
        };
        if is_inbound {
            let listener = listen(lab, client, (client.address(family), client_port).into())?;
            let remote = dial(remote, remote_port, &listener)?;
            return Ok((accept(&listener)?, remote, None));
        }
        let address = remote_address.unwrap_or(remote.address(family));
        if multipath {
            let listener = mptcp::listen(lab, remote, (address, 0).into())?;
            let client = mptcp::dial(lab, client, listener.local_addr()?)?;
            // Further subflows need the listener.
            return Ok((client, accept(&listener)?, Some(listener)));
        }
        let listener = listen(lab, remote, (address, remote_port).into())?;
        let client = if early > 0 {
            let remote = listener.local_addr()?;
            dial_with_data(lab, client, client_port, remote, &payload(early))?
        } else {
            dial(client, client_port, &listener)?
        };
        Ok((client, accept(&listener)?, None))
    }
}

/// A socket and its script.
type Player<'a> = (TcpStream, &'a [Step]);

/// Plays both scripts on sockets that are connected with each other.
pub fn between(client: Player<'_>, remote: Player<'_>) -> Result<Done> {
    let meeting = Barrier::new(2);
    let (done, ()) = play_both(client, remote, &meeting, || ())?;
    Ok(done)
}

fn play_both<T>(
    client: Player<'_>,
    remote: Player<'_>,
    meeting: &Barrier,
    beside: impl FnOnce() -> T,
) -> Result<(Done, T)> {
    std::thread::scope(|scope| {
        let client = scope.spawn(|| play(client.0, client.1, meeting));
        let remote = scope.spawn(|| play(remote.0, remote.1, meeting));
        let result = beside();
        let client = client.join().expect("the client's thread");
        let remote = remote.join().expect("the remote's thread");
        let done = Done {
            client: client.context("the client's script")?,
            remote: remote.context("the remote's script")?,
        };
        Ok((done, result))
    })
}

/// Accepts, but not for ever.
pub fn accept(listener: &TcpListener) -> Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let stream = wait_until(PATIENCE, "a connection", || match listener.accept() {
        Ok((stream, _peer)) => Ok(Some(stream)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    })?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}
