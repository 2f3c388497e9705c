//! Which SYN on the outside belongs to which opening on the inside. NAT keeps the initial
//! sequence number and, towards the outside, the remote's address and port: those, with who opened,
//! make a [`group`]. Within a [`crowd`] the order of the packets decides ([`pairing`]), and nothing
//! else: a mapping is right or absent. An opening without a SYN on the outside may have its partner
//! on the inside ([`hairpin`]).

mod crowd;
mod group;
mod groups;
mod hairpin;
mod kept;
mod key;
mod mapping;
mod pairing;
mod unseen;

use std::{collections::BTreeSet, net::IpAddr, ops::RangeInclusive};

use nat_acct_common::{
    flow::Facts,
    layout::{FlowKey, OutsideKey, OutsideSyn, Sender},
};

pub(super) use self::mapping::Mapping;
use self::{
    group::{Answer, Group, Owners},
    groups::Groups,
    hairpin::Hairpins,
    key::GroupKey,
    pairing::Claim,
    unseen::Unseen,
};
use super::SECOND_NS;
use crate::record::Match;

/// How long a SYN on the outside waits for its opening. They are microseconds apart on the
/// gateway; only events of different processors arrive in another order.
const ORPHAN_NS: u64 = 5 * SECOND_NS;

#[derive(Default)]
pub(super) struct Matcher {
    groups: Groups,
    /// Groups that had no opening when a sighting came, by the time at which that expires.
    orphans: BTreeSet<(u64, GroupKey)>,
    hairpins: Hairpins,
    /// Sightings that may be of an opening to another remote, which the gateway translated: one
    /// with the same number was there, and had no partner.
    doubtful: BTreeSet<OutsideKey>,
    /// Sightings that nobody needs any more.
    forgotten: Vec<OutsideKey>,
    local: BTreeSet<IpAddr>,
    clock_slack_ns: u64,
    outside_incomplete: bool,
    unseen: Unseen,
}

impl Matcher {
    pub(super) fn reserve(&mut self, openings: usize) {
        self.groups.reserve(openings);
    }

    pub(super) fn set_local_addresses(&mut self, addresses: BTreeSet<IpAddr>) {
        self.local = addresses;
    }

    pub(super) fn set_clock_slack(&mut self, slack_ns: u64) {
        self.clock_slack_ns = slack_ns;
        self.hairpins.set_clock_slack(slack_ns);
    }

    pub(super) fn set_outside_incomplete(&mut self) {
        self.outside_incomplete = true;
    }

    pub(super) fn note_outside_missed(&mut self, missed_ns: RangeInclusive<u64>) {
        self.unseen.note(missed_ns);
    }

    /// Notes an opening. Tells the slots of openings that share their ISN because of it.
    pub(super) fn opened(&mut self, facts: &Facts, tell_shared: impl FnMut(u32)) {
        let Some(key) = GroupKey::of_opening(facts) else {
            return;
        };
        if !self.open_in_group(key, facts, tell_shared) {
            self.hairpins.open(key.isn, facts);
        }
    }

    /// Adds the opening to its group; tells whether that is settled then.
    fn open_in_group(
        &mut self,
        key: GroupKey,
        facts: &Facts,
        tell_shared: impl FnMut(u32),
    ) -> bool {
        let (slot, opened_ns) = (facts.slot, facts.opened_ns);
        if !facts.isn_is_shared && self.groups.begin(key, &facts.key, slot, opened_ns) {
            return false;
        }
        self.groups.change_or_make(key, |group| {
            let shared = group.open(facts.key, slot, opened_ns);
            shared.into_iter().flatten().for_each(tell_shared);
            if facts.isn_is_shared {
                // The order of the packets was known to an engine before this one.
                group.doubt(&facts.key);
            }
            group.settled().is_some()
        })
    }

    /// Takes note of how an opening was answered, if it was.
    pub(super) fn answered(&mut self, facts: &Facts) {
        if let Some(key) = GroupKey::of_opening(facts) {
            self.hairpins.answered(key.isn, facts);
        }
    }

    /// The slots of the connections of which more should be known before this one is closed.
    pub(super) fn related(&self, facts: &Facts) -> Vec<u32> {
        let key = GroupKey::of_opening(facts);
        key.map_or_else(Vec::new, |key| self.hairpins.possible(key.isn, facts))
    }

    /// The slots of the connections of which more should be known before all are closed.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = u32> {
        self.hairpins.slots()
    }

    /// Has the processor fetch what is known of SYNs on the outside, before all of them are noted.
    pub(super) fn fetch<'a>(&self, sightings: impl Iterator<Item = &'a OutsideKey>) {
        self.groups.fetch(sightings.map(GroupKey::of_sighting));
    }

    /// Notes a SYN on the outside, of which the engine hears at `now_ns`. If there is no opening for it,
    /// returns when it expires.
    pub(super) fn sighted(
        &mut self,
        outside: OutsideKey,
        sighting: OutsideSyn,
        now_ns: u64,
    ) -> Option<u64> {
        let key = GroupKey::of_sighting(&outside);
        let sighting = self.loosened(key.opener, sighting);
        // After events were lost, the opening may be found later than this, however long ago both were. One
        // that is told of again and again has a time for each second.
        let told_ns = sighting.last_ns.max(now_ns);
        let expires_ns = told_ns.next_multiple_of(SECOND_NS) + self.orphan_ns();
        if key.opener == Sender::Client && self.hairpins.has_other(key.isn, &outside) {
            self.doubtful.insert(outside);
        }
        let (settled, is_orphan) = self.groups.sight(key, outside, sighting);
        if let Some(half) = settled.and_then(|slot| self.hairpins.left(key.isn, key.opener, slot)) {
            self.groups.change(key, |group| group.doubt(&half));
        }
        if !is_orphan {
            return None;
        }
        self.orphans.insert((expires_ns, key));
        Some(expires_ns)
    }

    /// With two clocks: the latest time at which the SYN may have left by the outside, or the
    /// earliest at which it may have entered there. More openings may be its own then, never fewer.
    fn loosened(&self, opener: Sender, sighting: OutsideSyn) -> OutsideSyn {
        let moved = |at_ns: u64| match opener {
            Sender::Client => at_ns.saturating_add(self.clock_slack_ns),
            Sender::Remote => at_ns.saturating_sub(self.clock_slack_ns),
        };
        OutsideSyn {
            first_ns: moved(sighting.first_ns),
            last_ns: moved(sighting.last_ns),
        }
    }

    fn orphan_ns(&self) -> u64 {
        ORPHAN_NS + 2 * self.clock_slack_ns
    }

    /// The openings that a SYN on the outside may be the proof of.
    pub(super) fn owners(&self, outside: &OutsideKey) -> Owners {
        let key = GroupKey::of_sighting(outside);
        let owners = self.groups.read(&key, |group| group.owners(outside));
        owners.unwrap_or_default()
    }

    /// Says what the translated address of a connection is, as far as that is known now.
    pub(super) fn mapping(&self, facts: &Facts) -> Mapping {
        let answer = |group: &Group| group.answer(&facts.key, facts.slot, facts.last_syn_ns);
        let known = GroupKey::of_opening(facts)
            .and_then(|key| Some((key, self.groups.read(&key, answer)?)));
        let Some((key, answer)) = known else {
            return self.not_outside(facts, Claim::None);
        };
        let answer = without_doubt(answer, facts, &self.doubtful);
        let hairpin = match answer {
            Answer::Proved(_) => Claim::None,
            Answer::Ambiguous | Answer::Absent => self.hairpins.claim(key.isn, facts),
        };
        self.said(facts, answer, hairpin)
    }

    /// Removes the connection and says what its translated address is.
    pub(super) fn close(&mut self, facts: &Facts) -> Mapping {
        let answer = |key| Some((key, self.close_in_group(key, facts)?));
        let Some((key, answer)) = GroupKey::of_opening(facts).and_then(answer) else {
            return self.not_outside(facts, Claim::None);
        };
        for sighting in &self.forgotten {
            self.doubtful.remove(sighting);
        }
        let hairpin = match answer {
            Answer::Proved(_) => {
                self.hairpins.remove(key.isn, key.opener, facts.slot);
                Claim::None
            }
            Answer::Ambiguous | Answer::Absent => self.hairpins.close(key.isn, facts),
        };
        self.said(facts, answer, hairpin)
    }

    /// Removes the connection from its group, if there is one, and what nobody needs any more.
    fn close_in_group(&mut self, key: GroupKey, facts: &Facts) -> Option<Answer> {
        if let Some(sighting) = self.groups.end(facts.slot, &key) {
            self.forgotten.push(sighting);
            return Some(without_doubt(
                Answer::Proved(sighting),
                facts,
                &self.doubtful,
            ));
        }
        self.groups.change_at(facts.slot, key, |group| {
            let answer = group.close(&facts.key, facts.slot, facts.last_syn_ns);
            let answer = without_doubt(answer, facts, &self.doubtful);
            match answer {
                _ if group.has_no_client() => group.forget_before(u64::MAX, &mut self.forgotten),
                Answer::Proved(sighting) if !group.has_client(&facts.key) => {
                    group.forget(&sighting);
                    self.forgotten.push(sighting);
                }
                Answer::Proved(_) | Answer::Ambiguous | Answer::Absent => {}
            }
            answer
        })
    }

    /// The sightings that nobody needs any more, each once.
    pub(super) fn forgotten(&mut self) -> impl Iterator<Item = OutsideKey> {
        self.forgotten.drain(..)
    }

    fn said(&self, facts: &Facts, answer: Answer, hairpin: Claim<FlowKey>) -> Mapping {
        match answer {
            Answer::Proved(sighting) => Mapping {
                matched: Match::Sequence,
                translated: Some(mapping::outside(&sighting)),
            },
            Answer::Ambiguous => Mapping {
                matched: Match::Ambiguous,
                translated: None,
            },
            Answer::Absent => self.not_outside(facts, hairpin),
        }
    }

    fn not_outside(&self, facts: &Facts, hairpin: Claim<FlowKey>) -> Mapping {
        let (matched, translated) = match hairpin {
            Claim::Proved(beyond) => (Match::Hairpin, Some(mapping::inside(&beyond))),
            Claim::Ambiguous => (Match::Ambiguous, None),
            Claim::None => (self.absent(facts), None),
        };
        Mapping {
            matched,
            translated,
        }
    }

    fn absent(&self, facts: &Facts) -> Match {
        if self.local.contains(&facts.key.remote.ip()) {
            Match::Local
        } else if self.outside_incomplete
            || self.unseen.overlaps(facts.opened_ns..=facts.last_syn_ns)
        {
            Match::Ambiguous
        } else if facts.answered() {
            Match::Intercepted
        } else {
            Match::Blocked
        }
    }

    /// Removes the sightings that no opening claims and that have waited long enough; says how many.
    pub(super) fn expire_orphans(&mut self, now_ns: u64) -> usize {
        let before = self.forgotten.len();
        let before_ns = now_ns.saturating_sub(self.orphan_ns());
        while let Some(&(expires_ns, key)) = self.orphans.first() {
            if expires_ns > now_ns {
                break;
            }
            self.orphans.pop_first();
            self.groups.change(key, |group| {
                if group.has_no_client() {
                    group.forget_before(before_ns, &mut self.forgotten);
                }
            });
        }
        let expired = &self.forgotten[before..];
        for sighting in expired {
            self.doubtful.remove(sighting);
        }
        expired.len()
    }

    /// When the next sighting may expire.
    pub(super) fn next_orphan(&self) -> Option<u64> {
        self.orphans.first().map(|&(expires_ns, _)| expires_ns)
    }
}

/// One that was answered has got through, so that what left was its own.
fn without_doubt(answer: Answer, facts: &Facts, doubtful: &BTreeSet<OutsideKey>) -> Answer {
    match answer {
        Answer::Proved(sighting) if !facts.answered() && doubtful.contains(&sighting) => {
            Answer::Ambiguous
        }
        answer => answer,
    }
}
