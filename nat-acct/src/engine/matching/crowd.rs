//! A group with more than one client, opening or sighting: devices with a constant initial sequence
//! number, a 4-tuple that is used again, a failover to another outside interface.

use std::collections::{BTreeMap, BTreeSet};

use nat_acct_common::layout::{FlowKey, OutsideKey, OutsideSyn, Sender};

use super::{
    group::widened,
    pairing::{Claim, Pairing},
};

/// What can be said about an opening's translated address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Only this sighting can be the opening's.
    Proved(OutsideKey),
    /// Several can.
    Ambiguous,
    /// None can.
    Absent,
}

/// The openings that a sighting may be the proof of.
#[derive(Default)]
pub(in crate::engine) struct Owners {
    pub(in crate::engine) slots: Vec<u32>,
    /// Whether another address may have been known of them before.
    pub(in crate::engine) may_differ: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Client(FlowKey),
    Sighting(OutsideKey),
}

/// An opening on the inside.
#[derive(Clone, Copy)]
struct Opening {
    slot: u32,
    opened_ns: u64,
}

pub(super) struct Crowd {
    opener: Sender,
    /// The openings of each client, the first one first. A client (an inside 4-tuple) has one
    /// translated address for as long as it is here.
    clients: BTreeMap<FlowKey, Client>,
    sightings: BTreeMap<OutsideKey, OutsideSyn>,
    pairing: Pairing<Member>,
    latest_ns: u64,
    /// Whether all openings were of one client, and nobody has doubted that.
    is_one_client: bool,
}

struct Client {
    since_ns: u64,
    openings: Vec<Opening>,
}

impl Crowd {
    pub(super) fn new(opener: Sender) -> Self {
        Self {
            opener,
            clients: BTreeMap::new(),
            sightings: BTreeMap::new(),
            pairing: Pairing::default(),
            latest_ns: 0,
            is_one_client: true,
        }
    }

    /// Adds an opening. Returns the slots of openings that are not alone any more because of it.
    pub(super) fn open(&mut self, client: FlowKey, slot: u32, opened_ns: u64) -> [Option<u32>; 2] {
        let mut others = self.clients.values().flat_map(|client| &client.openings);
        let not_alone = match (others.next(), others.next()) {
            (None, _) => [None, None],
            (Some(other), None) => [Some(other.slot), Some(slot)],
            (Some(_), Some(_)) => [Some(slot), None],
        };
        let opening = Opening { slot, opened_ns };
        if let Some(known) = self.clients.get_mut(&client) {
            known.openings.push(opening);
            return not_alone;
        }
        let new = Client {
            since_ns: opened_ns,
            openings: vec![opening],
        };
        self.is_one_client &= self.clients.is_empty();
        self.clients.insert(client, new);
        self.add(Member::Client(client), opened_ns);
        not_alone
    }

    /// Makes a client ambiguous for good.
    pub(super) fn doubt(&mut self, client: &FlowKey) {
        self.is_one_client = false;
        self.pairing.doubt(Member::Client(*client));
    }

    /// Adds a SYN on the outside, or one that was seen before and now again.
    pub(super) fn sight(&mut self, key: OutsideKey, sighting: OutsideSyn) {
        if let Some(known) = self.sightings.get_mut(&key) {
            let first_ns = known.first_ns;
            *known = widened(*known, sighting);
            if known.first_ns < first_ns {
                self.pair_again();
            }
            return;
        }
        self.sightings.insert(key, sighting);
        self.add(Member::Sighting(key), sighting.first_ns);
    }

    /// Removes an opening whose SYN was last seen at `last_syn_ns`, and says what its translated
    /// address is.
    pub(super) fn close(&mut self, client: &FlowKey, slot: u32, last_syn_ns: u64) -> Answer {
        let answer = self.answer(client, slot, last_syn_ns);
        if let Some(known) = self.clients.get_mut(client) {
            known.openings.retain(|opening| opening.slot != slot);
            if known.openings.is_empty() {
                self.clients.remove(client);
                self.pairing.remove(&Member::Client(*client));
            }
        }
        answer
    }

    /// Says what the translated address of an opening is, as far as that is known now.
    pub(super) fn answer(&self, client: &FlowKey, slot: u32, last_syn_ns: u64) -> Answer {
        let Some(known) = self.clients.get(client) else {
            return Answer::Absent;
        };
        let Some(opening) = known.openings.iter().find(|o| o.slot == slot) else {
            return Answer::Absent;
        };
        match self.pairing.claim(&Member::Client(*client)) {
            Claim::Proved(Member::Sighting(key)) if self.is_in_time(*opening, &key) => {
                Answer::Proved(key)
            }
            Claim::Proved(_) | Claim::None => Answer::Absent,
            Claim::Ambiguous => match self.translated_anew(last_syn_ns) {
                Some(key) => Answer::Proved(key),
                None => Answer::Ambiguous,
            },
        }
    }

    /// The sighting of a SYN that its only client has sent again after all others were seen. The
    /// gateway had forgotten its first translation: the remote had answered it for a connection
    /// before, and the client had refused that by an RST.
    fn translated_anew(&self, last_syn_ns: u64) -> Option<OutsideKey> {
        if !self.is_one_client || self.opener == Sender::Remote {
            return None;
        }
        let (last, seen) = self
            .sightings
            .iter()
            .max_by_key(|(_, seen)| seen.first_ns)?;
        let mut others = self.sightings.iter().filter(|(key, _)| *key != last);
        let all_before = others.all(|(_, other)| other.last_ns < last_syn_ns);
        (all_before && last_syn_ns <= seen.first_ns).then_some(*last)
    }

    /// The openings that a sighting may be the proof of.
    pub(super) fn owners(&self, sighting: &OutsideKey) -> Owners {
        let client = match self.pairing.claim(&Member::Sighting(*sighting)) {
            Claim::Proved(Member::Client(client)) => self.clients.get(&client),
            Claim::Ambiguous if self.is_one_client => self.clients.values().next(),
            Claim::Proved(Member::Sighting(_)) | Claim::Ambiguous | Claim::None => None,
        };
        let openings = client.into_iter().flat_map(|client| &client.openings);
        Owners {
            slots: openings.map(|opening| opening.slot).collect(),
            may_differ: true,
        }
    }

    /// Whether the client still has an opening here.
    pub(super) fn has_client(&self, client: &FlowKey) -> bool {
        self.clients.contains_key(client)
    }

    /// Whether there is no opening here.
    pub(super) fn has_no_client(&self) -> bool {
        self.clients.is_empty()
    }

    /// Whether there is nothing here.
    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.sightings.is_empty()
    }

    /// Removes a sighting.
    pub(super) fn forget(&mut self, key: &OutsideKey) {
        self.pairing.remove(&Member::Sighting(*key));
        self.sightings.remove(key);
    }

    /// Removes the sightings that were not seen since `before_ns`, and lists them in `forgotten`.
    pub(super) fn forget_before(&mut self, before_ns: u64, forgotten: &mut Vec<OutsideKey>) {
        let old = |_: &OutsideKey, seen: &mut OutsideSyn| seen.last_ns <= before_ns;
        for (key, _) in self.sightings.extract_if(.., old) {
            self.pairing.remove(&Member::Sighting(key));
            forgotten.push(key);
        }
    }

    /// Whether the SYN was seen on the outside for this opening, not only for an earlier one of the
    /// same client.
    fn is_in_time(&self, opening: Opening, key: &OutsideKey) -> bool {
        self.sightings
            .get(key)
            .is_some_and(|sighting| match self.opener {
                Sender::Client => opening.opened_ns <= sighting.last_ns,
                Sender::Remote => opening.opened_ns >= sighting.first_ns,
            })
    }

    fn add(&mut self, member: Member, at_ns: u64) {
        if at_ns < self.latest_ns {
            // Events of different processors may come in another order than the packets.
            return self.pair_again();
        }
        self.latest_ns = at_ns;
        self.tell(member);
    }

    fn tell(&mut self, member: Member) {
        let enters = match member {
            Member::Client(_) => self.opener == Sender::Client,
            Member::Sighting(_) => self.opener == Sender::Remote,
        };
        if enters {
            self.pairing.enter(member);
        } else {
            self.pairing.leave(member);
        }
    }

    /// Pairs all members anew, in the order of their times. What was ambiguous stays so.
    fn pair_again(&mut self) {
        let clients = self.clients.iter();
        let clients = clients.map(|(key, client)| (client.since_ns, Member::Client(*key)));
        let sightings = self.sightings.iter();
        let sightings = sightings.map(|(key, seen)| (seen.first_ns, Member::Sighting(*key)));
        let members: BTreeSet<(u64, Member)> = clients.chain(sightings).collect();
        let before = std::mem::take(&mut self.pairing);
        for &(_, member) in &members {
            self.tell(member);
        }
        for (_, member) in members {
            if before.claim(&member) == Claim::Ambiguous {
                self.pairing.doubt(member);
            }
        }
    }
}
