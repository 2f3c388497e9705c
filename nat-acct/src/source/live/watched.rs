//! One of the interfaces that were asked for, through its life: it can go and come back with
//! another number, and what is missing on it is attached again.

use std::collections::BTreeSet;

use anyhow::Result;
use nat_acct_common::layout::{Direction, Interface};

use super::{
    InterfaceState,
    attach::{self, Side},
    change::{Hooks, What},
    links::Links,
    pins::Pins,
    programs::{Means, Programs},
};

/// An interface that was asked for.
pub(super) struct Watched {
    name: String,
    side: Side,
    /// Its place in the map INTERFACES.
    number: usize,
    programs: Option<Programs>,
    /// Why the programs are not attached, as it was last said.
    trouble: Option<What>,
    /// The flowtables that take packets past it.
    bypasses: BTreeSet<String>,
    /// Whether it was looked at before.
    was_seen: bool,
    /// Whether something of the programs was missing until the last look.
    was_off: bool,
    /// Whether it is part of another one that was asked for.
    is_below: bool,
}

impl Watched {
    pub(super) fn new(name: String, side: Side, number: usize) -> Self {
        Self {
            name,
            side,
            number,
            programs: None,
            trouble: None,
            bypasses: BTreeSet::new(),
            was_seen: false,
            was_off: false,
            is_below: false,
        }
    }

    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    pub(super) fn side(&self) -> Side {
        self.side
    }

    /// Its place in the map INTERFACES.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Attaches what is missing; tells how all is attached if something was.
    ///
    /// # Errors
    ///
    /// When the interface is not there, or packets would be seen twice, or the kernel refuses.
    pub(super) fn attach(&mut self, means: &mut Means<'_>) -> Result<Option<Hooks>> {
        let description = means.links.describe_allowed(&self.name, means.names)?;
        let new = || Programs::new(self.name.clone(), description.index, self.side, self.number);
        self.programs.get_or_insert_with(new).attach_missing(means)
    }

    /// Writes down for the programs what they have to know of it.
    pub(super) fn list(&self, links: &Links, names: &[&str], listed: &Interface) {
        match links.describe_allowed(&self.name, names) {
            Ok(description) => listed.set(self.number as u32, description),
            Err(_) => listed.vacate(),
        }
    }

    /// Looks whether all is as it should be, and mends it. Tells what is new.
    pub(super) fn tend(&mut self, means: &mut Means<'_>, listed: &Interface) -> Vec<What> {
        let mut news = self.let_go(means);
        news.extend(self.come_back(means));
        if let Some(programs) = &mut self.programs {
            news.extend(programs.move_to_the_wire(means));
            news.extend(programs.look_for_hidden(listed, means.looked_ns));
        }
        self.was_off = self.was_seen && news.iter().any(|new| self.was_off_until(new));
        self.was_seen = true;
        // The one above it sees its packets.
        self.is_below = means.links.above(&self.name, means.names).is_some();
        news.extend(self.look_for_bypasses(means));
        news
    }

    /// Takes programs off whose links an agent before this one has left there.
    pub(super) fn unpin(&self, pins: &Pins) {
        for direction in Direction::ALL {
            // One that is gone is what was wanted.
            let _ = attach::unpin(&pins.link(self.side, self.number, direction));
        }
    }

    /// Takes the programs off.
    pub(super) fn detach(&mut self) {
        if let Some(programs) = self.programs.take() {
            programs.detach();
        }
    }

    /// Lets go of what is not there any more, or is not to be.
    fn let_go(&mut self, means: &Means<'_>) -> Vec<What> {
        let Some(programs) = &mut self.programs else {
            return Vec::new();
        };
        let description = means.links.describe(&self.name);
        let is_same = description.is_some_and(|found| found.index == programs.index);
        if is_same && means.links.above(&self.name, means.names).is_none() {
            return programs.let_go();
        }
        self.programs = None;
        // If it is back already, under another number, nobody else says that it was gone.
        if description.is_some() && !is_same {
            vec![What::Gone]
        } else {
            Vec::new()
        }
    }

    /// Attaches what is missing; the reason why that cannot be is told once.
    fn come_back(&mut self, means: &mut Means<'_>) -> Option<What> {
        let outcome = match means.links.describe(&self.name) {
            None => What::Gone,
            Some(_) => match self.attach(means) {
                Ok(hooks) => {
                    self.trouble = None;
                    return hooks.map(What::Attached);
                }
                Err(error) => What::Refused(format!("{error:#}")),
            },
        };
        let is_new = self.trouble.as_ref() != Some(&outcome);
        self.trouble = Some(outcome.clone());
        is_new.then_some(outcome)
    }

    /// How it stands with it.
    pub(super) fn state(&self) -> InterfaceState {
        let programs = self.programs.as_ref();
        let hooks = programs.and_then(Programs::hooks);
        let trouble = self.trouble.as_ref().filter(|_| hooks.is_none());
        InterfaceState {
            name: self.name(),
            side: self.side.name(),
            hooks,
            trouble: trouble.map(|trouble| {
                if let What::Refused(reason) = trouble {
                    reason.clone()
                } else {
                    "the interface is gone".to_owned()
                }
            }),
            hides_packets: programs.is_some_and(Programs::hides_packets),
            flowtables: self.bypasses.iter().cloned().collect(),
        }
    }

    /// Whether packets go past it, or may have until the last look.
    pub(super) fn is_bypassed(&self) -> bool {
        let is_refused = matches!(self.trouble, Some(What::Refused(_))) && !self.is_below;
        let hides = self.programs.as_ref().is_some_and(Programs::hides_packets);
        !self.bypasses.is_empty() || self.was_off || is_refused || hides
    }

    /// If packets are hidden: the time before which the programs saw all.
    pub(super) fn hides_since_ns(&self) -> Option<u64> {
        self.programs.as_ref()?.hides_since_ns()
    }

    /// Whether this says that a program did not see all packets before it. On the outside it is taken off
    /// to be moved.
    fn was_off_until(&self, new: &What) -> bool {
        match new {
            What::Attached(_) | What::Visible(_) => true,
            What::Moved(..) | What::Displaced(..) => self.side == Side::Outside,
            _ => false,
        }
    }

    /// Which flowtables have come to take packets past it.
    fn look_for_bypasses(&mut self, means: &Means<'_>) -> Vec<What> {
        if self.side == Side::Outside {
            return Vec::new();
        }
        let flowtables = means.flowtables.iter();
        let bypasses = flowtables.filter(|flowtable| flowtable.bypasses(&self.name, means.links));
        let now: BTreeSet<_> = bypasses.map(|flowtable| flowtable.name.clone()).collect();
        let new = now.difference(&self.bypasses).cloned();
        let news = new.map(What::Bypassed).collect();
        self.bypasses = now;
        news
    }
}
