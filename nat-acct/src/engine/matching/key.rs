//! What makes openings and sightings candidates for each other.

use nat_acct_common::{
    flow::Facts,
    layout::{Address, FlowKey, OutsideKey, Sender},
};

/// What an opening on the inside and its SYN on the outside have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GroupKey {
    pub(super) remote: Address,
    pub(super) remote_port: u16,
    pub(super) isn: u32,
    pub(super) opener: Sender,
}

impl GroupKey {
    pub(super) fn of_opening(facts: &Facts) -> Option<Self> {
        let FlowKey {
            remote,
            remote_port,
            ..
        } = facts.key;
        let isn = (*facts.isn.get(facts.opener))?;
        Some(Self {
            remote,
            remote_port,
            isn,
            opener: facts.opener,
        })
    }

    pub(super) fn of_sighting(outside: &OutsideKey) -> Self {
        Self {
            remote: outside.remote,
            remote_port: outside.remote_port,
            isn: outside.isn,
            opener: Sender::from_u8(outside.opener),
        }
    }
}
