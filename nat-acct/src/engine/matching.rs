//! Which SYN on the outside belongs to which opening on the inside. NAT keeps the initial
//! sequence number and, towards the outside, the remote's address and port: those, with who opened,
//! make a group. In nearly every group there is one opening and one sighting. Where there are more,
//! [`resolve`] takes what the order of the packets proves, and nothing else: a mapping is right or
//! absent.

mod resolve;

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use nat_acct_common::{
    flow::Facts,
    layout::{Address, FlowKey, OutsideKey, OutsideSyn, Sender},
};

use self::resolve::{Answer, Opening, Sighting};
use crate::record::{Endpoint, Match, Translated};

/// How long a SYN on the outside waits for its opening. They are microseconds apart on the
/// gateway; only events of different processors arrive in another order.
const ORPHAN_NS: u64 = 5_000_000_000;

/// What an opening on the inside and its SYN on the outside have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct GroupKey {
    remote: Address,
    remote_port: u16,
    isn: u32,
    opener: Sender,
}

/// What is known about a connection's translated address.
pub(super) struct Mapping {
    pub(super) matched: Match,
    pub(super) translated: Option<Translated>,
    /// Sightings that nobody needs any more.
    pub(super) forget: Vec<OutsideKey>,
}

#[derive(Default)]
pub(super) struct Matcher {
    groups: HashMap<GroupKey, Group>,
    /// Groups that had no opening when a sighting came, by the time at which that expires.
    orphans: BTreeSet<(u64, GroupKey)>,
    local: BTreeSet<IpAddr>,
}

#[derive(Default)]
struct Group {
    openings: Vec<Opening>,
    sightings: Vec<Sighting>,
}

impl Matcher {
    pub(super) fn set_local_addresses(&mut self, addresses: BTreeSet<IpAddr>) {
        self.local = addresses;
    }

    /// Notes an opening.
    pub(super) fn opened(&mut self, facts: &Facts) {
        let Some(key) = GroupKey::of_opening(facts) else {
            return;
        };
        let openings = &mut self.groups.entry(key).or_default().openings;
        let before = openings.iter().find(|opening| opening.client == facts.key);
        let since_ns = before.map_or(facts.opened_ns, |opening| opening.since_ns);
        openings.push(Opening {
            slot: facts.slot,
            opened_ns: facts.opened_ns,
            since_ns,
            client: facts.key,
        });
    }

    /// Notes a SYN on the outside. If there is no opening for it, returns when it expires.
    pub(super) fn sighted(&mut self, outside: OutsideKey, sighting: OutsideSyn) -> Option<u64> {
        let key = GroupKey::of_sighting(&outside);
        let group = self.groups.entry(key).or_default();
        match group.sightings.iter_mut().find(|s| s.key == outside) {
            Some(known) => known.last_ns = known.last_ns.max(sighting.last_ns),
            None => group.sightings.push(Sighting {
                key: outside,
                first_ns: sighting.first_ns,
                last_ns: sighting.last_ns,
                tainted: false,
            }),
        }
        if !group.openings.is_empty() {
            return None;
        }
        let expires_ns = sighting.last_ns + ORPHAN_NS;
        self.orphans.insert((expires_ns, key));
        Some(expires_ns)
    }

    /// Removes the connection and says what its translated address is.
    pub(super) fn close(&mut self, facts: &Facts) -> Mapping {
        let group = GroupKey::of_opening(facts).and_then(|key| self.groups.remove_entry(&key));
        let Some((key, mut group)) = group else {
            return self.absent(facts, Vec::new());
        };
        let answer = resolve::sighting_of(facts.slot, &group.openings, &group.sightings);
        if answer == Answer::Ambiguous {
            resolve::taint(facts.slot, &group.openings, &mut group.sightings);
        }
        group.openings.retain(|opening| opening.slot != facts.slot);
        let unused = |sighting: &mut Sighting| {
            let is_own = answer == Answer::Proved(sighting.key);
            let is_shared = group.openings.iter().any(|o| o.client == facts.key);
            group.openings.is_empty() || is_own && !is_shared
        };
        let forget = group.sightings.extract_if(.., unused).map(|s| s.key);
        let forget = forget.collect();
        if !group.openings.is_empty() {
            self.groups.insert(key, group);
        }
        match answer {
            Answer::Proved(sighting) => Mapping {
                matched: Match::Sequence,
                translated: Some(translated(&sighting)),
                forget,
            },
            Answer::Ambiguous => Mapping {
                matched: Match::Ambiguous,
                translated: None,
                forget,
            },
            Answer::Absent => self.absent(facts, forget),
        }
    }

    fn absent(&self, facts: &Facts, forget: Vec<OutsideKey>) -> Mapping {
        let matched = if self.local.contains(&facts.key.remote.ip()) {
            Match::Local
        } else if facts.answered() {
            Match::Intercepted
        } else {
            Match::Blocked
        };
        Mapping {
            matched,
            translated: None,
            forget,
        }
    }

    /// Removes the sightings that no opening claims and that have waited long enough.
    pub(super) fn expire_orphans(&mut self, now_ns: u64) -> Vec<OutsideKey> {
        let mut expired = Vec::new();
        while let Some(&(expires_ns, key)) = self.orphans.first() {
            if expires_ns > now_ns {
                break;
            }
            self.orphans.pop_first();
            let Some(group) = self.groups.get_mut(&key) else {
                continue;
            };
            if group.openings.is_empty() {
                let old = |s: &mut Sighting| s.last_ns + ORPHAN_NS <= now_ns;
                expired.extend(group.sightings.extract_if(.., old).map(|s| s.key));
            }
            if group.openings.is_empty() && group.sightings.is_empty() {
                self.groups.remove(&key);
            }
        }
        expired
    }

    /// When the next sighting may expire.
    pub(super) fn next_orphan(&self) -> Option<u64> {
        self.orphans.first().map(|&(expires_ns, _)| expires_ns)
    }
}

impl GroupKey {
    fn of_opening(facts: &Facts) -> Option<Self> {
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

    fn of_sighting(outside: &OutsideKey) -> Self {
        Self {
            remote: outside.remote,
            remote_port: outside.remote_port,
            isn: outside.isn,
            opener: Sender::from_u8(outside.opener),
        }
    }
}

fn translated(sighting: &OutsideKey) -> Translated {
    Translated {
        endpoint: Endpoint {
            ip: sighting.translated.ip(),
            port: sighting.translated_port,
        },
        outside: usize::from(sighting.zone),
    }
}
