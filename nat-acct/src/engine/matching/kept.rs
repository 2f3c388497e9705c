//! A group of one opening and at most one sighting, in as few bytes as it takes.

use nat_acct_common::layout::{Address, FlowKey, OutsideKey, OutsideSyn, Zone};

use super::{
    group::{Couple, Group, Opening, is_in_order, widened},
    key::GroupKey,
};

/// What a group knows besides its slot. What opening and sighting have in common is in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    key: GroupKey,
    client: Address,
    translated: Address,
    opened_ns: u64,
    seen: OutsideSyn,
    zone: Zone,
    client_port: u16,
    translated_port: u16,
    interface: u16,
    is_sighted: bool,
}

const _: () = assert!(size_of::<Option<Kept>>() == 96);

impl Kept {
    /// What is kept of a group that has this opening and nothing else.
    pub(super) fn of_opening(key: GroupKey, client: &FlowKey, opened_ns: u64) -> Self {
        Self {
            key,
            client: client.client,
            translated: Address::default(),
            opened_ns,
            seen: OutsideSyn::default(),
            zone: client.zone,
            client_port: client.client_port,
            translated_port: 0,
            interface: 0,
            is_sighted: false,
        }
    }

    /// What is kept of a group with one opening, and the slot of that.
    pub(super) fn of(key: GroupKey, group: &Group) -> Option<(u32, Self)> {
        let Group::Couple(Couple {
            opening: Some(opening),
            sighting,
            ..
        }) = group
        else {
            return None;
        };
        let mut kept = Self::of_opening(key, &opening.client, opening.opened_ns);
        if let Some((outside, seen)) = sighting {
            kept.set_sighting(outside, *seen);
        }
        Some((opening.slot, kept))
    }

    pub(super) fn key(&self) -> &GroupKey {
        &self.key
    }

    /// The group, whose opening is that of `slot`.
    pub(super) fn to_group(self, slot: u32) -> Group {
        Group::Couple(Couple {
            opener: self.key.opener,
            opening: Some(Opening {
                client: self.client(),
                slot,
                opened_ns: self.opened_ns,
            }),
            sighting: self.is_sighted.then(|| (self.outside(), self.seen)),
        })
    }

    /// Notes the opening's own sighting, for the first time or again: most are. `false` for any other, of
    /// which nothing is noted.
    pub(super) fn sight(&mut self, outside: &OutsideKey, sighting: &OutsideSyn) -> bool {
        let seen = if self.is_sighted {
            widened(self.seen, *sighting)
        } else {
            *sighting
        };
        let is_own = is_in_order(self.key.opener, self.opened_ns, &seen)
            && (!self.is_sighted || self.outside() == *outside);
        if is_own {
            self.set_sighting(outside, seen);
        }
        is_own
    }

    /// The sighting, if it is the opening's own.
    pub(super) fn settled(&self) -> Option<OutsideKey> {
        let is_own = is_in_order(self.key.opener, self.opened_ns, &self.seen);
        (self.is_sighted && is_own).then(|| self.outside())
    }

    fn set_sighting(&mut self, outside: &OutsideKey, seen: OutsideSyn) {
        self.translated = outside.translated;
        self.translated_port = outside.translated_port;
        self.interface = outside.interface;
        self.is_sighted = true;
        self.seen = seen;
    }

    fn client(&self) -> FlowKey {
        FlowKey {
            client: self.client,
            remote: self.key.remote,
            client_port: self.client_port,
            remote_port: self.key.remote_port,
            zone: self.zone,
        }
    }

    fn outside(&self) -> OutsideKey {
        OutsideKey {
            remote: self.key.remote,
            translated: self.translated,
            remote_port: self.key.remote_port,
            translated_port: self.translated_port,
            isn: self.key.isn,
            interface: self.interface,
            opener: self.key.opener as u8,
            ..OutsideKey::default()
        }
    }
}
