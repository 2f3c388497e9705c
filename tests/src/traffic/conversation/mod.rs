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

use super::connect::{dial, listen};
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
            remote: self.remote.local,
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
pub struct Conversation<'a> {
    lab: &'a Lab,
    client: Ns,
    remote: Ns,
    remote_address: Option<IpAddr>,
    family: Family,
    client_port: u16,
    remote_port: u16,
    forwarded_port: Option<u16>,
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
            forwarded_port: None,
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
        Self {
            forwarded_port: Some(forwarded_port),
            ..self
        }
    }

    /// Plays both scripts to their end.
    pub fn run(&self, client: &[Step], remote: &[Step]) -> Result<Done> {
        let meeting = Barrier::new(2);
        let (done, ()) = self.play(client, remote, &meeting, || ())?;
        Ok(done)
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
        self.play(client, remote, &meeting, || {
            meeting.wait();
            // A panic must not leave the others waiting.
            let result = catch_unwind(AssertUnwindSafe(meanwhile));
            meeting.wait();
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    fn play<T>(
        &self,
        client: &[Step],
        remote: &[Step],
        meeting: &Barrier,
        beside: impl FnOnce() -> T,
    ) -> Result<(Done, T)> {
        let (at_client, at_remote) = self.open()?;
        std::thread::scope(|scope| {
            let client = scope.spawn(|| play(at_client, client, meeting));
            let remote = scope.spawn(|| play(at_remote, remote, meeting));
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

    /// The sockets of client and remote.
    fn open(&self) -> Result<(TcpStream, TcpStream)> {
        let &Self {
            lab,
            client,
            remote,
            remote_address,
            family,
            client_port,
            remote_port,
            forwarded_port,
        } = self;
        if let Some(port) = forwarded_port {
            let listener = listen(lab, client, (client.address(family), client_port).into())?;
            let gateway = SocketAddr::new(translated(family), port);
            let remote = dial(lab, remote, remote_port, gateway)?;
            return Ok((accept(&listener)?, remote));
        }
        let address = remote_address.unwrap_or(remote.address(family));
        let listener = listen(lab, remote, (address, remote_port).into())?;
        let client = dial(lab, client, client_port, listener.local_addr()?)?;
        Ok((client, accept(&listener)?))
    }
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
