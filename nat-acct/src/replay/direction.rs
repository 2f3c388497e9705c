//! Who sent a segment, the client or the remote? The agent knows it from the hook that saw the
//! segment. A capture says it only sometimes; otherwise, on the inside, this is asked in turn:
//!
//! 1. Is one of the addresses, and only one, that of a client ([`Networks`]), and not the gateway's?
//! 2. Is one of the Ethernet addresses, and only one, the gateway's? It is learnt from segments
//!    that the first question decides: what a client sends to a remote goes to the gateway, and
//!    what a remote sends comes from there.
//!
//! What neither tells is not guessed. On the outside only SYNs matter, and the networks of clients
//! tell nothing there; until the gateway's addresses are known, both possibilities are tried, for
//! only one can have a partner with its initial sequence number on the inside.

use nat_acct_common::{layout::Sender, packet::Segment};

use super::networks::Networks;
use crate::capture::{Direction, Link};

type EthernetAddress = [u8; 6];

/// Addresses that a gateway may have, such as those of VRRP.
const MAX_GATEWAYS: usize = 16;
/// Group addresses, broadcast among them, have this bit in their first byte.
const GROUP: u8 = 1;

/// What is known of a side's directions.
pub(super) struct Directions {
    clients: Networks,
    gateways: Vec<EthernetAddress>,
}

impl Directions {
    pub(super) fn new(clients: Networks) -> Self {
        Self {
            clients,
            gateways: Vec::new(),
        }
    }

    /// Who sent a segment on the inside, in a frame of this link type that begins with `frame`.
    #[inline]
    pub(super) fn inside(
        &mut self,
        direction: Option<Direction>,
        link: Link,
        frame: &[u8],
        segment: &Segment,
    ) -> Option<Sender> {
        if let Some(direction) = direction {
            return Some(match direction {
                Direction::In => Sender::Client,
                Direction::Out => Sender::Remote,
            });
        }
        let from_client = self.clients.contain(segment.source);
        let to_client = self.clients.contain(segment.destination);
        let ends = if link == Link::Ethernet {
            ends(frame)
        } else {
            None
        };
        match (from_client, to_client) {
            (true, false) => {
                self.learn(ends.map(|(to, _)| to));
                Some(Sender::Client)
            }
            (false, true) => {
                self.learn(ends.map(|(_, from)| from));
                Some(Sender::Remote)
            }
            (true, true) | (false, false) => self.by_gateway(ends?),
        }
    }

    fn by_gateway(&self, (to, from): (EthernetAddress, EthernetAddress)) -> Option<Sender> {
        match (self.gateways.contains(&to), self.gateways.contains(&from)) {
            (true, false) => Some(Sender::Client),
            (false, true) => Some(Sender::Remote),
            (true, true) | (false, false) => None,
        }
    }

    #[inline]
    fn learn(&mut self, gateway: Option<EthernetAddress>) {
        let Some(gateway) = gateway else {
            return;
        };
        let is_new = !self.gateways.contains(&gateway);
        if is_new && self.gateways.len() < MAX_GATEWAYS && gateway[0] & GROUP == 0 {
            self.gateways.push(gateway);
        }
    }
}

/// Who sent a segment on the outside, if the capture says so.
#[inline]
pub(super) fn outside(direction: Option<Direction>) -> Option<Sender> {
    Some(match direction? {
        Direction::In => Sender::Remote,
        Direction::Out => Sender::Client,
    })
}

/// Destination and source of an Ethernet header.
#[inline]
fn ends(frame: &[u8]) -> Option<(EthernetAddress, EthernetAddress)> {
    let (to, rest) = frame.split_first_chunk()?;
    Some((*to, *rest.first_chunk()?))
}
