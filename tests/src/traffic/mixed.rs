//! A bit of everything from both clients at once: what the demo shows.

use super::iperf3::Direction;
use super::{curl, half_close, iperf3, scp};
use crate::server::{HalfClose, Iperf3, Nginx, Sshd};
use crate::{Family, Lab, Ns, Truth};
use anyhow::Result;

/// Small socket buffers, so that little is under way at the end of an upload,
/// which iperf3's ends then count differently.
const IPERF3_AMOUNT: &str = "-n 64M -w 64K";

/// The remote's servers.
pub struct Servers {
    nginx: Nginx,
    sshd: Sshd,
    /// One for each client: a server serves one test at a time.
    iperf3: [Iperf3; 2],
    half_close: HalfClose,
}

impl Servers {
    /// Starts them all.
    pub fn start(lab: &Lab) -> Result<Self> {
        Ok(Self {
            nginx: Nginx::start(lab)?,
            sshd: Sshd::start(lab)?,
            iperf3: [
                Iperf3::start(lab, Iperf3::PORT)?,
                Iperf3::start(lab, Iperf3::PORT + 1)?,
            ],
            half_close: HalfClose::start(lab, 200_000)?,
        })
    }
}

/// What one client does.
pub struct Plan {
    client: Ns,
    iperf3_server: usize,
    direction: Direction,
    family: Family,
    other_family: Family,
}

/// Both clients, at the same time.
pub const CLIENTS: [Plan; 2] = [
    Plan {
        client: Ns::Client1,
        iperf3_server: 0,
        direction: Direction::Upload,
        family: Family::V4,
        other_family: Family::V6,
    },
    Plan {
        client: Ns::Client2,
        iperf3_server: 1,
        direction: Direction::Download,
        family: Family::V6,
        other_family: Family::V4,
    },
];

impl Plan {
    /// Runs it, one thing after the other.
    pub fn run(&self, lab: &Lab, servers: &Servers) -> Result<Vec<Truth>> {
        let Servers {
            nginx,
            sshd,
            iperf3,
            half_close,
        } = servers;
        let &Self {
            client,
            family,
            other_family,
            ..
        } = self;
        let mut truths = vec![
            curl::fetch(lab, nginx, client, family, Nginx::KEEPALIVE, 1_000)?,
            curl::fetch(
                lab,
                nginx,
                client,
                other_family,
                Nginx::ONE_SHOT,
                10_000_000,
            )?,
            curl::upload(lab, nginx, client, family, 20_000_000)?,
            scp::upload(lab, sshd, client, family, 300_000)?,
            half_close::transfer(lab, half_close, client, other_family, 50_000)?,
        ];
        let test = iperf3::Test {
            client,
            family: other_family,
            direction: self.direction,
            streams: 1,
            amount: IPERF3_AMOUNT,
        };
        truths.extend(iperf3::run(lab, &iperf3[self.iperf3_server], &test)?);
        Ok(truths)
    }
}
