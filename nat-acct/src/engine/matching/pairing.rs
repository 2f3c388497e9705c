//! Pairs what enters the gateway with what leaves it, by order alone.
//!
//! A SYN is seen on the side where it enters before the side where it leaves. So what leaves can
//! only belong to what entered before and has not left yet. If that is exactly one, the two are a
//! pair: proved. If it is several, any of them may be meant: they are ambiguous for good, and
//! remain so when others of them are gone.
//!
//! [`Pairing`] is told of members in the order of their times. It knows nothing of what they are.

use std::collections::{BTreeMap, BTreeSet};

/// What is known of a member's partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim<M> {
    /// Nothing yet, or there is none.
    None,
    /// This one, and no other.
    Proved(M),
    /// Several are possible.
    Ambiguous,
}

pub(super) struct Pairing<M> {
    claims: BTreeMap<M, Claim<M>>,
    /// What has entered and not left.
    waiting: BTreeSet<M>,
    /// What has entered and is ambiguous.
    pool: BTreeSet<M>,
    /// How many of the pool have not left, at most.
    pool_inside: usize,
}

impl<M> Default for Pairing<M> {
    fn default() -> Self {
        Self {
            claims: BTreeMap::new(),
            waiting: BTreeSet::new(),
            pool: BTreeSet::new(),
            pool_inside: 0,
        }
    }
}

impl<M: Copy + Ord> Pairing<M> {
    /// Something enters.
    pub(super) fn enter(&mut self, member: M) {
        self.claims.insert(member, Claim::None);
        self.waiting.insert(member);
    }

    /// Something leaves.
    pub(super) fn leave(&mut self, member: M) {
        let claim = match (self.waiting.len(), self.pool_inside) {
            (1, 0) => self.pair(member),
            (0, 0) => self.unexpected(),
            (0, _) => {
                self.pool_inside -= 1;
                Claim::Ambiguous
            }
            (waiting, _) => {
                self.pool_inside += waiting - 1;
                self.doubt_waiting();
                Claim::Ambiguous
            }
        };
        self.claims.insert(member, claim);
    }

    /// What is known of a member's partner.
    pub(super) fn claim(&self, member: &M) -> Claim<M> {
        self.claims.get(member).copied().unwrap_or(Claim::None)
    }

    /// Makes a member ambiguous, whatever was known of it.
    pub(super) fn doubt(&mut self, member: M) {
        if self.waiting.remove(&member) {
            self.pool.insert(member);
            self.pool_inside += 1;
        }
        self.claims.insert(member, Claim::Ambiguous);
    }

    /// A member is gone.
    pub(super) fn remove(&mut self, member: &M) {
        self.claims.remove(member);
        self.waiting.remove(member);
        self.pool.remove(member);
        self.pool_inside = self.pool_inside.min(self.pool.len());
    }

    fn pair(&mut self, leaving: M) -> Claim<M> {
        match self.waiting.pop_first() {
            Some(entered) => {
                self.claims.insert(entered, Claim::Proved(leaving));
                Claim::Proved(entered)
            }
            None => Claim::None,
        }
    }

    fn doubt_waiting(&mut self) {
        for member in std::mem::take(&mut self.waiting) {
            self.claims.insert(member, Claim::Ambiguous);
            self.pool.insert(member);
        }
    }

    /// Something leaves though all that had entered has left: one of them leaves again, with another
    /// address (a failover to another outside interface). Which one is not known.
    fn unexpected(&mut self) -> Claim<M> {
        if self.claims.is_empty() {
            return Claim::None;
        }
        for claim in self.claims.values_mut() {
            *claim = Claim::Ambiguous;
        }
        Claim::Ambiguous
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other() {
        let pairing = check("A x B y", "A=x B=y");
        assert_eq!(pairing.claim(&'x'), Claim::Proved('A'));
    }

    #[test]
    fn two_inside_at_once_are_ambiguous() {
        check("A B x", "A=? B=?");
        check("A B x y", "A=? B=?");
    }

    #[test]
    fn who_comes_later_is_not_meant() {
        check("A x B", "A=x B=");
    }

    #[test]
    fn after_all_of_the_pool_have_left_there_is_proof_again() {
        check("A B x y C z", "A=? B=? C=z");
        check("A B x C z", "A=? B=? C=?");
    }

    #[test]
    fn what_leaves_twice_is_ambiguous() {
        check("A x y", "A=?");
        check("A x B y z", "A=? B=?");
    }

    #[test]
    fn what_is_doubted_is_ambiguous_for_good() {
        let mut pairing = check("A", "A=");
        pairing.doubt('A');
        pairing.leave('x');
        assert_eq!(pairing.claim(&'A'), Claim::Ambiguous);
        pairing.enter('B');
        pairing.leave('y');
        assert_eq!(pairing.claim(&'B'), Claim::Proved('y'));
    }

    #[test]
    fn nothing_entered() {
        check("x", "x=");
        check("x A y", "A=y");
    }

    #[test]
    fn the_rest_stay_ambiguous_when_one_is_gone() {
        let mut pairing = check("A B x", "A=? B=?");
        pairing.remove(&'A');
        pairing.leave('y');
        assert_eq!(pairing.claim(&'B'), Claim::Ambiguous);
    }

    /// Capitals enter, small letters leave. `?` is ambiguous, nothing is nothing.
    fn check(order: &str, expected: &str) -> Pairing<char> {
        let mut pairing = Pairing::default();
        for member in order.split(' ').flat_map(str::chars) {
            if member.is_uppercase() {
                pairing.enter(member);
            } else {
                pairing.leave(member);
            }
        }
        for pair in expected.split(' ') {
            let mut pair = pair.chars();
            let (member, partner) = (pair.next().expect("a member"), pair.nth(1));
            let claim = match partner {
                None => Claim::None,
                Some('?') => Claim::Ambiguous,
                Some(partner) => Claim::Proved(partner),
            };
            assert_eq!(pairing.claim(&member), claim, "{member} in {order}");
        }
        pairing
    }
}
