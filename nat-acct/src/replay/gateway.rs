//! The gateway's addresses on the outside, as far as they were named or records have proved them. They
//! tell who sent a SYN there, where the capture does not.

use std::{collections::BTreeSet, net::IpAddr};

use nat_acct_common::{
    layout::{Address, Sender},
    packet::Segment,
};

use crate::record::{Account, Interface};

/// More addresses than most gateways have; without them it only takes longer.
const MAX_ADDRESSES: usize = 4096;

pub(super) struct Gateway {
    addresses: BTreeSet<Address>,
}

impl Gateway {
    /// A gateway that has these addresses, and perhaps others.
    pub(super) fn new(addresses: &[IpAddr]) -> Self {
        Self {
            addresses: addresses.iter().copied().map(Address::from).collect(),
        }
    }

    /// Learns what a record has proved.
    pub(super) fn learn(&mut self, account: &Account) {
        if let Some(translated) = account.translated
            && matches!(translated.interface, Interface::Outside(_))
            && self.addresses.len() < MAX_ADDRESSES
        {
            self.addresses.insert(translated.endpoint.ip.into());
        }
    }

    /// Who may have sent a SYN on the outside.
    pub(super) fn senders(&self, segment: &Segment) -> &'static [Sender] {
        let is_own = |address| self.addresses.contains(address);
        match (is_own(&segment.source), is_own(&segment.destination)) {
            (true, false) => &[Sender::Client],
            (false, true) => &[Sender::Remote],
            (true, true) | (false, false) => &[Sender::Client, Sender::Remote],
        }
    }
}
