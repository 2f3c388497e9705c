//! All openings and sightings with the same remote, initial sequence number and opener. In nearly
//! every group there is one of each.

use nat_acct_common::layout::{FlowKey, OutsideKey, OutsideSyn, Sender};

use super::crowd::Crowd;
pub(super) use super::crowd::{Answer, Owners};

pub(super) enum Group {
    Couple(Couple),
    Crowd(Box<Crowd>),
}

/// At most one opening and one sighting.
pub(super) struct Couple {
    pub(super) opener: Sender,
    pub(super) opening: Option<Opening>,
    pub(super) sighting: Option<(OutsideKey, OutsideSyn)>,
}

pub(super) struct Opening {
    pub(super) client: FlowKey,
    pub(super) slot: u32,
    pub(super) opened_ns: u64,
}

/// A packet is seen on the side where it enters before the side where it leaves.
pub(super) fn is_in_order(opener: Sender, opened_ns: u64, seen: &OutsideSyn) -> bool {
    match opener {
        Sender::Client => opened_ns <= seen.first_ns,
        Sender::Remote => opened_ns >= seen.first_ns,
    }
}

/// What is known of a SYN that was heard of twice. The second time may be of an earlier one, whose event
/// was lost.
pub(super) fn widened(known: OutsideSyn, again: OutsideSyn) -> OutsideSyn {
    OutsideSyn {
        first_ns: known.first_ns.min(again.first_ns),
        last_ns: known.last_ns.max(again.last_ns),
    }
}

impl Group {
    pub(super) fn new(opener: Sender) -> Self {
        Self::Couple(Couple {
            opener,
            opening: None,
            sighting: None,
        })
    }

    /// Adds an opening. Returns the slots of openings that are not alone any more because of it.
    pub(super) fn open(&mut self, client: FlowKey, slot: u32, opened_ns: u64) -> [Option<u32>; 2] {
        match self {
            Self::Couple(couple) if couple.opening.is_none() => {
                couple.opening = Some(Opening {
                    client,
                    slot,
                    opened_ns,
                });
                [None, None]
            }
            Self::Couple(_) | Self::Crowd(_) => self.crowd().open(client, slot, opened_ns),
        }
    }

    /// Makes a client ambiguous for good.
    pub(super) fn doubt(&mut self, client: &FlowKey) {
        self.crowd().doubt(client);
    }

    /// Adds a SYN on the outside, or one that was seen before and now again.
    pub(super) fn sight(&mut self, key: OutsideKey, sighting: OutsideSyn) {
        match self {
            Self::Couple(Couple {
                sighting: none @ None,
                ..
            }) => *none = Some((key, sighting)),
            Self::Couple(Couple {
                sighting: Some((known, seen)),
                ..
            }) if *known == key => *seen = widened(*seen, sighting),
            Self::Couple(_) | Self::Crowd(_) => self.crowd().sight(key, sighting),
        }
    }

    /// Says what the translated address of an opening is, whose SYN was last seen at `last_syn_ns`.
    pub(super) fn answer(&self, client: &FlowKey, slot: u32, last_syn_ns: u64) -> Answer {
        match self {
            Self::Couple(couple) => couple.answer(slot),
            Self::Crowd(crowd) => crowd.answer(client, slot, last_syn_ns),
        }
    }

    /// The openings that a sighting may be the proof of.
    pub(super) fn owners(&self, sighting: &OutsideKey) -> Owners {
        match self {
            Self::Couple(_) => Owners {
                slots: self.settled().into_iter().collect(),
                may_differ: false,
            },
            Self::Crowd(crowd) => crowd.owners(sighting),
        }
    }

    /// Removes an opening whose SYN was last seen at `last_syn_ns`, and says what its translated
    /// address is.
    pub(super) fn close(&mut self, client: &FlowKey, slot: u32, last_syn_ns: u64) -> Answer {
        match self {
            Self::Couple(couple) => couple.close(slot),
            Self::Crowd(crowd) => crowd.close(client, slot, last_syn_ns),
        }
    }

    /// Whether the client still has an opening here.
    pub(super) fn has_client(&self, client: &FlowKey) -> bool {
        match self {
            Self::Couple(couple) => couple.opening.as_ref().is_some_and(|o| o.client == *client),
            Self::Crowd(crowd) => crowd.has_client(client),
        }
    }

    /// Whether there is no opening here.
    pub(super) fn has_no_client(&self) -> bool {
        match self {
            Self::Couple(couple) => couple.opening.is_none(),
            Self::Crowd(crowd) => crowd.has_no_client(),
        }
    }

    /// The slot of the only opening, if the only sighting is its own.
    pub(super) fn settled(&self) -> Option<u32> {
        match self {
            Self::Couple(Couple {
                opening: Some(opening),
                sighting: Some((_, seen)),
                opener,
            }) => is_in_order(*opener, opening.opened_ns, seen).then_some(opening.slot),
            Self::Couple(_) | Self::Crowd(_) => None,
        }
    }

    /// Whether there is nothing here.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Couple(couple) => couple.opening.is_none() && couple.sighting.is_none(),
            Self::Crowd(crowd) => crowd.is_empty(),
        }
    }

    /// Removes a sighting.
    pub(super) fn forget(&mut self, key: &OutsideKey) {
        match self {
            Self::Couple(couple) => {
                couple.sighting.take_if(|(known, _)| known == key);
            }
            Self::Crowd(crowd) => crowd.forget(key),
        }
    }

    /// Removes the sightings that were not seen since `before_ns`, and lists them in `forgotten`.
    pub(super) fn forget_before(&mut self, before_ns: u64, forgotten: &mut Vec<OutsideKey>) {
        match self {
            Self::Couple(Couple { sighting, .. }) => {
                let old = sighting.take_if(|(_, seen)| seen.last_ns <= before_ns);
                forgotten.extend(old.map(|(key, _)| key));
            }
            Self::Crowd(crowd) => crowd.forget_before(before_ns, forgotten),
        }
    }

    /// The group as a crowd, which it becomes if it is none.
    fn crowd(&mut self) -> &mut Crowd {
        if let Self::Couple(couple) = self {
            *self = Self::Crowd(Box::new(couple.to_crowd()));
        }
        match self {
            Self::Crowd(crowd) => crowd,
            Self::Couple(_) => unreachable!("it has just become a crowd"),
        }
    }
}

impl Couple {
    fn close(&mut self, slot: u32) -> Answer {
        let answer = self.answer(slot);
        self.opening.take_if(|opening| opening.slot == slot);
        answer
    }

    fn answer(&self, slot: u32) -> Answer {
        let Some(opening) = self.opening.as_ref().filter(|opening| opening.slot == slot) else {
            return Answer::Absent;
        };
        match self.sighting {
            Some((key, seen)) if is_in_order(self.opener, opening.opened_ns, &seen) => {
                Answer::Proved(key)
            }
            Some(_) | None => Answer::Absent,
        }
    }

    fn to_crowd(&self) -> Crowd {
        let mut crowd = Crowd::new(self.opener);
        if let Some(opening) = &self.opening {
            crowd.open(opening.client, opening.slot, opening.opened_ns);
        }
        if let Some((key, seen)) = self.sighting {
            crowd.sight(key, seen);
        }
        crowd
    }
}
