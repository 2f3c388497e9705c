//! The openings without a partner on the outside, by their number and slot. Nearly each finds its partner
//! before the next opening comes: so the latest has a place of its own, and is put in order with the
//! others only when the next comes.

use std::collections::BTreeMap;

use super::{Half, Number};

/// An opening: its number, and its slot.
pub(super) type Name = (Number, u32);

#[derive(Default)]
pub(super) struct Halves {
    latest: Option<(Name, Half)>,
    earlier: BTreeMap<Name, Half>,
}

impl Halves {
    /// Adds one, as the latest.
    pub(super) fn insert(&mut self, name: Name, half: Half) {
        let before = self.latest.replace((name, half));
        self.earlier.remove(&name);
        self.earlier
            .extend(before.filter(|(other, _)| *other != name));
    }

    pub(super) fn remove(&mut self, name: Name) -> Option<Half> {
        match self.latest.take_if(|(latest, _)| *latest == name) {
            Some((_, half)) => Some(half),
            None => self.earlier.remove(&name),
        }
    }

    pub(super) fn get(&self, name: Name) -> Option<&Half> {
        match &self.latest {
            Some((latest, half)) if *latest == name => Some(half),
            Some(_) | None => self.earlier.get(&name),
        }
    }

    pub(super) fn get_mut(&mut self, name: Name) -> Option<&mut Half> {
        match &mut self.latest {
            Some((latest, half)) if *latest == name => Some(half),
            Some(_) | None => self.earlier.get_mut(&name),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.earlier.len() + usize::from(self.latest.is_some())
    }

    /// The slots of all.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        let earlier = self.earlier.keys();
        let latest = self.latest.iter().map(|(name, _)| name);
        earlier.chain(latest).map(|(_, slot)| *slot)
    }

    /// Those with this number, by slot but for the latest.
    pub(super) fn equal(&self, number: Number) -> impl Iterator<Item = (u32, &Half)> {
        // To search for the last one, too, takes longer than to find that one is not equal.
        let from = self.earlier.range((number, 0)..);
        let earlier = from.map(|(name, half)| (*name, half));
        let earlier = earlier.take_while(move |((other, _), _)| *other == number);
        let latest = self.latest.iter().map(|(name, half)| (*name, half));
        let latest = latest.filter(move |((other, _), _)| *other == number);
        let all = earlier.chain(latest);
        all.map(|((_, slot), half)| (slot, half))
    }
}

#[cfg(test)]
mod tests {
    use nat_acct_common::layout::{Address, FlowKey, Sender, Zone};
    use nat_acct_common::packet::Vlan;
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::engine::matching::pairing::Claim;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(Name, u64),
        Remove(Name),
    }

    fn names() -> impl Strategy<Value = Name> {
        (0..2u32, 0..3u32).prop_map(|(isn, slot)| ((isn, Sender::Client), slot))
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let insert = (names(), 0..4u64).prop_map(|(name, at_ns)| Step::Insert(name, at_ns));
        vec(prop_oneof![insert, names().prop_map(Step::Remove)], 0..12)
    }

    fn opened(opened_ns: u64) -> Half {
        Half {
            key: FlowKey {
                client: Address::default(),
                remote: Address::default(),
                client_port: 0,
                remote_port: 0,
                zone: Zone::new(0, Vlan::NONE),
            },
            opener: Sender::Client,
            opened_ns,
            answer_isn: None,
            claim: Claim::None,
        }
    }

    proptest! {
        /// Beside a map.
        #[test]
        fn the_latest_is_one_of_all(steps in steps(), wanted in names()) {
            let (mut halves, mut expected) = (Halves::default(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Insert(name, at_ns) => {
                        halves.insert(name, opened(at_ns));
                        expected.insert(name, at_ns);
                    }
                    Step::Remove(name) => {
                        let removed = halves.remove(name).map(|half| half.opened_ns);
                        prop_assert_eq!(removed, expected.remove(&name));
                    }
                }
                let at_ns = |half: &Half| half.opened_ns;
                let expected_ns = expected.get(&wanted).copied();
                prop_assert_eq!(halves.get(wanted).map(at_ns), expected_ns);
                prop_assert_eq!(halves.get_mut(wanted).map(|half| half.opened_ns), expected_ns);
                let (number, _) = wanted;
                let equal = halves.equal(number).map(|(slot, half)| (slot, at_ns(half)));
                let all = expected.iter().filter(|((other, _), _)| *other == number);
                let all = all.map(|((_, slot), opened_ns)| (*slot, *opened_ns));
                prop_assert_eq!(equal.collect::<BTreeMap<_, _>>(), all.collect());
                prop_assert_eq!(halves.len(), expected.len());
                prop_assert_eq!(halves.slots().count(), expected.len());
            }
        }
    }
}
