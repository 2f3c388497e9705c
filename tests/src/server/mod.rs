//! The remote's servers: real programs with configurations of their own in the
//! lab's directory. Each is a guard that ends its program; each is ready when
//! its `start` returns.

mod iperf3;
mod nginx;
mod socat;
mod sshd;

pub use iperf3::Iperf3;
pub use nginx::{Nginx, Request};
pub use socat::HalfClose;
pub use sshd::{Connection, Sshd};
