//! Connections between two clients (RFC 5382, section 7.2): the SYN enters by an inside interface
//! and leaves by one, so there are two openings and nothing on the outside. On the way between the
//! two, both addresses and both ports may have been translated; so an equal initial sequence number
//! proves nothing yet. Two openings are halves of one connection if also the number of the answer
//! or the opener's address is the same, and if nothing else fits either.

mod halves;

use std::collections::BTreeSet;

use nat_acct_common::{
    flow::Facts,
    layout::{Address, FlowKey, OutsideKey, Sender},
};

use self::halves::Halves;
use super::pairing::Claim;

/// The most openings with one number and opener that are told apart: a flood of equal SYNs must not
/// make each of them costly.
const MAX_EQUAL: usize = 64;

/// The openings that have no partner on the outside.
#[derive(Default)]
pub(super) struct Hairpins {
    halves: Halves,
    /// Of which there were more than [`MAX_EQUAL`] since there was none.
    crowded: BTreeSet<Number>,
    clock_slack_ns: u64,
}

/// The initial sequence number of an opening, and who sent it.
type Number = (u32, Sender);

#[derive(Clone, Copy)]
struct Half {
    key: FlowKey,
    opener: Sender,
    opened_ns: u64,
    /// The initial sequence number of the side that was called, if it is known.
    answer_isn: Option<u32>,
    /// What the other half has left behind when it closed.
    claim: Claim<FlowKey>,
}

impl Hairpins {
    /// Allows for clocks of the inside interfaces that are so far apart.
    pub(super) fn set_clock_slack(&mut self, slack_ns: u64) {
        self.clock_slack_ns = slack_ns;
    }

    /// Notes an opening.
    pub(super) fn open(&mut self, isn: u32, facts: &Facts) {
        let number = (isn, facts.opener);
        // To count the equal ones takes longer than to insert it.
        if self.halves.len() < MAX_EQUAL || self.halves.equal(number).count() < MAX_EQUAL {
            self.halves.insert((number, facts.slot), Half::of(facts));
        } else {
            self.crowded.insert(number);
        }
    }

    /// Forgets an opening, whose partner is on the outside.
    pub(super) fn remove(&mut self, isn: u32, opener: Sender, slot: u32) {
        self.take((isn, opener), slot);
    }

    /// Notes the answer to an opening.
    pub(super) fn answered(&mut self, isn: u32, facts: &Facts) {
        if let Some(half) = self.half((isn, facts.opener), facts.slot) {
            half.answer_isn = answer_isn(facts);
        }
    }

    /// Whether a client has opened a connection with this number to another remote than that of
    /// `sighting`.
    pub(super) fn has_other(&self, isn: u32, sighting: &OutsideKey) -> bool {
        let remote = (sighting.remote, sighting.remote_port);
        let mut equal = self.halves.equal((isn, Sender::Client));
        equal.any(|(_, half)| (half.key.remote, half.key.remote_port) != remote)
    }

    /// The slots of the openings that may be the other half of this one.
    pub(super) fn possible(&self, isn: u32, facts: &Facts) -> Vec<u32> {
        // Nearly always.
        if self.halves.len() == 0 {
            return Vec::new();
        }
        self.others(isn, &Half::of(facts)).collect()
    }

    /// The slots of all openings without a partner.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.halves.slots()
    }

    /// Takes note that the opening in `slot` has a partner on the outside, too. If another was or may
    /// be its other half, one of the two is a coincidence: it is ambiguous then, and its 4-tuple is
    /// returned. Else it is forgotten.
    pub(super) fn left(&mut self, isn: u32, opener: Sender, slot: u32) -> Option<FlowKey> {
        let number = (isn, opener);
        let half = self.halves.get((number, slot))?;
        if half.claim == Claim::None && self.others(isn, half).next().is_none() {
            self.take(number, slot);
            return None;
        }
        let half = self.half(number, slot)?;
        half.claim = Claim::Ambiguous;
        Some(half.key)
    }

    /// Says which 4-tuple the connection has beyond the gateway, as far as that is known now.
    pub(super) fn claim(&self, isn: u32, facts: &Facts) -> Claim<FlowKey> {
        let known = self.halves.get(((isn, facts.opener), facts.slot));
        let half = Half::known(facts, known);
        let others: Vec<_> = self.others(isn, &half).collect();
        self.judged(isn, facts.slot, &half, &others)
    }

    /// Removes an opening, and says which 4-tuple the connection has beyond the gateway.
    pub(super) fn close(&mut self, isn: u32, facts: &Facts) -> Claim<FlowKey> {
        let known = self.take((isn, facts.opener), facts.slot);
        let half = Half::known(facts, known.as_ref());
        let others: Vec<_> = self.others(isn, &half).collect();
        let claim = self.judged(isn, facts.slot, &half, &others);
        let claim_of_others = match claim {
            Claim::Proved(_) => Claim::Proved(half.key),
            Claim::Ambiguous | Claim::None => Claim::Ambiguous,
        };
        for slot in others {
            if let Some(other) = self.half((isn, facts.opener.peer()), slot) {
                other.claim = claim_of_others;
            }
        }
        claim
    }

    /// What is known of the half in `slot`, given those that may be its other half.
    fn judged(&self, isn: u32, slot: u32, half: &Half, others: &[u32]) -> Claim<FlowKey> {
        if let (Claim::None, &[only]) = (half.claim, others)
            && let Some(other) = self.proved(isn, slot, half, only)
        {
            return Claim::Proved(other);
        }
        if others.is_empty() && !self.crowded.contains(&(isn, half.opener.peer())) {
            return half.claim;
        }
        Claim::Ambiguous
    }

    fn half(&mut self, number: Number, slot: u32) -> Option<&mut Half> {
        self.halves.get_mut((number, slot))
    }

    fn take(&mut self, number: Number, slot: u32) -> Option<Half> {
        let half = self.halves.remove((number, slot));
        if !self.crowded.is_empty() && self.halves.equal(number).next().is_none() {
            self.crowded.remove(&number);
        }
        half
    }

    fn others(&self, isn: u32, half: &Half) -> impl Iterator<Item = u32> {
        let equal = self.halves.equal((isn, half.opener.peer()));
        let fitting = equal.filter(|(_, other)| self.fit(half, other));
        fitting.map(|(slot, _)| slot)
    }

    /// The 4-tuple of the opening in `other_slot`, if it is the other half of `half`.
    fn proved(&self, isn: u32, slot: u32, half: &Half, other_slot: u32) -> Option<FlowKey> {
        let other = self.halves.get(((isn, half.opener.peer()), other_slot))?;
        let is_crowded = [half.opener, other.opener]
            .into_iter()
            .any(|opener| self.crowded.contains(&(isn, opener)));
        let is_proved = !is_crowded
            && other.claim == Claim::None
            && self.others(isn, other).all(|another| another == slot)
            && (half.is_answered_like(other) || half.has_same_opener(other));
        is_proved.then_some(other.key)
    }

    /// Whether nothing speaks against it that the two, of different openers, are halves of one
    /// connection.
    fn fit(&self, one: &Half, other: &Half) -> bool {
        let (enters, leaves) = match one.opener {
            Sender::Client => (one, other),
            Sender::Remote => (other, one),
        };
        let both_answered = one.answer_isn.is_some() && other.answer_isn.is_some();
        enters.opened_ns <= leaves.opened_ns.saturating_add(self.clock_slack_ns)
            && (!both_answered || one.is_answered_like(other))
    }
}

impl Half {
    fn of(facts: &Facts) -> Self {
        Self {
            key: facts.key,
            opener: facts.opener,
            opened_ns: facts.opened_ns,
            answer_isn: answer_isn(facts),
            claim: Claim::None,
        }
    }

    /// With what the other half has left behind.
    fn known(facts: &Facts, known: Option<&Self>) -> Self {
        Self {
            claim: known.map_or(Claim::None, |half| half.claim),
            ..Self::of(facts)
        }
    }

    fn is_answered_like(&self, other: &Self) -> bool {
        self.answer_isn.is_some() && self.answer_isn == other.answer_isn
    }

    /// Whether the opener has the same address and port in both.
    fn has_same_opener(&self, other: &Self) -> bool {
        self.opener_address() == other.opener_address()
    }

    fn opener_address(&self) -> (Address, u16) {
        match self.opener {
            Sender::Client => (self.key.client, self.key.client_port),
            Sender::Remote => (self.key.remote, self.key.remote_port),
        }
    }
}

fn answer_isn(facts: &Facts) -> Option<u32> {
    *facts.isn.get(facts.opener.peer())
}
