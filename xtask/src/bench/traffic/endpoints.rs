//! Who talks to whom: the three endpoints of the n-th connection. No two connections of a capture
//! share a 4-tuple on either side, so nothing but the numbers themselves decides what belongs
//! together.

use std::net::{Ipv4Addr, SocketAddrV4};

/// The gateway's address on the outside.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The gateway's address on the inside.
pub const INSIDE_GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 16, 1);
/// Bits of the clients' network.
pub const INSIDE_PREFIX: u32 = 20;

/// Clients; a prime, so that client and ports do not run in step.
const CLIENTS: u64 = 1_021;
const FIRST_CLIENT: u32 = INSIDE_GATEWAY.to_bits() + 1;
/// Linux takes the ports of clients from here.
const EPHEMERAL: u64 = 32_768;
const EPHEMERAL_PORTS: u64 = 28_232;
/// What a gateway translates to.
const UNPRIVILEGED: u64 = 1_024;
const UNPRIVILEGED_PORTS: u64 = 64_512;
/// Without a divisor in common with the number of ports, so that all of them are used in turn.
const PORT_STEP: u64 = 25_037;
/// The network for benchmarks (RFC 2544).
const REMOTES: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
const REMOTES_A_TURN: u64 = 256;
const SERVICES: [u16; 8] = [443, 443, 443, 443, 443, 80, 22, 993];
/// What is forwarded to a server behind the gateway.
const FORWARDED: u16 = 8_443;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    Client,
    Remote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoints {
    pub opener: Opener,
    pub client: SocketAddrV4,
    pub translated: SocketAddrV4,
    pub remote: SocketAddrV4,
}

impl Endpoints {
    pub fn new(number: u64, opener: Opener) -> Self {
        let client = Ipv4Addr::from_bits(FIRST_CLIENT + (number % CLIENTS) as u32);
        // When all ports have been used, other remotes are next.
        let turn = number / UNPRIVILEGED_PORTS;
        let remote = turn * REMOTES_A_TURN + number * 7 % REMOTES_A_TURN;
        let remote = Ipv4Addr::from_bits(REMOTES.to_bits() + remote as u32);
        let free_port = (UNPRIVILEGED + number * PORT_STEP % UNPRIVILEGED_PORTS) as u16;
        let (client_port, translated_port, remote_port) = match opener {
            Opener::Client => (
                (EPHEMERAL + number / CLIENTS % EPHEMERAL_PORTS) as u16,
                free_port,
                SERVICES[(number % SERVICES.len() as u64) as usize],
            ),
            Opener::Remote => (FORWARDED, FORWARDED, free_port),
        };
        Self {
            opener,
            client: SocketAddrV4::new(client, client_port),
            translated: SocketAddrV4::new(GATEWAY, translated_port),
            remote: SocketAddrV4::new(remote, remote_port),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_4_tuple_comes_twice() {
        let (mut inside, mut outside) = (HashSet::new(), HashSet::new());
        for number in 0..300_000 {
            let opener = if number % 50 == 0 {
                Opener::Remote
            } else {
                Opener::Client
            };
            let ends = Endpoints::new(number, opener);
            assert!(inside.insert((ends.client, ends.remote)), "{ends:?}");
            assert!(outside.insert((ends.translated, ends.remote)), "{ends:?}");
        }
    }
}
