//! Connections between two clients (RFC 5382, section 7.2): the SYN enters by an inside interface
//! and leaves by one, so there are two openings and nothing on the outside. On the way between the
//! two, both addresses and both ports may have been translated; so an equal initial sequence number
//! proves nothing yet. Two openings are halves of one connection if also the number of the answer
//! or the opener's address is the same, and if nothing else fits either.

use std::collections::BTreeMap;

use nat_acct_common::{
    flow::Facts,
    layout::{Address, FlowKey, Sender},
};

use super::pairing::Claim;

/// The openings that have no partner on the outside.
#[derive(Default)]
pub(super) struct Hairpins {
    /// By initial sequence number and slot.
    halves: BTreeMap<(u32, u32), Half>,
    clock_slack_ns: u64,
}

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
        let half = Half {
            key: facts.key,
            opener: facts.opener,
            opened_ns: facts.opened_ns,
            answer_isn: answer_isn(facts),
            claim: Claim::None,
        };
        self.halves.insert((isn, facts.slot), half);
    }

    /// Forgets an opening, whose partner was found on the outside.
    pub(super) fn remove(&mut self, isn: u32, slot: u32) {
        self.halves.remove(&(isn, slot));
    }

    /// Notes the answer to an opening.
    pub(super) fn answered(&mut self, isn: u32, facts: &Facts) {
        if let Some(half) = self.halves.get_mut(&(isn, facts.slot)) {
            half.answer_isn = answer_isn(facts);
        }
    }

    /// The slots of the openings that may be the other half of this one.
    pub(super) fn possible(&self, isn: u32, slot: u32) -> Vec<u32> {
        let half = self.halves.get(&(isn, slot));
        half.map_or_else(Vec::new, |half| self.others(isn, half))
    }

    /// The slots of all openings without a partner.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.halves.keys().map(|(_, slot)| *slot)
    }

    /// Removes an opening, and says which 4-tuple the connection has beyond the gateway.
    pub(super) fn close(&mut self, isn: u32, facts: &Facts) -> Claim<FlowKey> {
        let Some(mut half) = self.halves.remove(&(isn, facts.slot)) else {
            return Claim::None;
        };
        half.answer_isn = answer_isn(facts);
        let others = self.others(isn, &half);
        if let (Claim::None, &[only]) = (half.claim, &others[..])
            && let Some(other) = self.proved(isn, &half, only)
        {
            other.claim = Claim::Proved(half.key);
            return Claim::Proved(other.key);
        }
        if others.is_empty() {
            return half.claim;
        }
        for slot in others {
            if let Some(other) = self.halves.get_mut(&(isn, slot)) {
                other.claim = Claim::Ambiguous;
            }
        }
        Claim::Ambiguous
    }

    fn others(&self, isn: u32, half: &Half) -> Vec<u32> {
        let same_isn = self.halves.range((isn, 0)..=(isn, u32::MAX));
        let fitting = same_isn.filter(|(_, other)| self.fit(half, other));
        fitting.map(|((_, slot), _)| *slot).collect()
    }

    /// The opening in `slot`, if it is the other half of `half`, which is not here any more.
    fn proved(&mut self, isn: u32, half: &Half, slot: u32) -> Option<&mut Half> {
        let other = *self.halves.get(&(isn, slot))?;
        let rivals = self.others(isn, &other);
        let is_proved = rivals.is_empty()
            && other.claim == Claim::None
            && (half.is_answered_like(&other) || half.has_same_opener(&other));
        self.halves.get_mut(&(isn, slot)).filter(|_| is_proved)
    }

    /// Whether nothing speaks against it that the two are halves of one connection.
    fn fit(&self, one: &Half, other: &Half) -> bool {
        let (enters, leaves) = match (one.opener, other.opener) {
            (Sender::Client, Sender::Remote) => (one, other),
            (Sender::Remote, Sender::Client) => (other, one),
            (Sender::Client, Sender::Client) | (Sender::Remote, Sender::Remote) => return false,
        };
        let both_answered = one.answer_isn.is_some() && other.answer_isn.is_some();
        enters.opened_ns <= leaves.opened_ns.saturating_add(self.clock_slack_ns)
            && (!both_answered || one.is_answered_like(other))
    }
}

impl Half {
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
