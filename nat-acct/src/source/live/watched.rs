//! One of the interfaces that were asked for, through its life: it can go and come back with
//! another number, and somebody can take our programs off it. What is missing is attached again.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use aya::Ebpf;
use nat_acct_common::layout::{Direction, Interface};

use super::{
    attach::{self, Attachment, Hook, Owner, Side, Target},
    change::{Hooks, What},
    flowtables::Flowtable,
    hidden::{Hidden, Sample},
    links::{self, Links},
};

/// An interface that was asked for.
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) side: Side,
    /// Its place in the map INTERFACES.
    pub(super) zone: usize,
    programs: Option<Programs>,
    /// Why the programs are not attached, as it was last said.
    trouble: Option<What>,
    /// The flowtables that take packets past it.
    bypasses: BTreeSet<String>,
}

/// The programs on an interface with this number, and what they see.
struct Programs {
    index: u32,
    by_direction: [Option<Attachment>; 2],
    /// Programs of others that were found between ours and the wire. Ours moves past each of them
    /// once: two that both want to be next to the wire must not chase each other.
    passed: BTreeSet<String>,
    hidden: [Hidden; 2],
}

/// What is needed to attach programs.
pub(super) struct Means<'a> {
    pub(super) ebpf: &'a mut Ebpf,
    pub(super) links: &'a Links,
    pub(super) flowtables: &'a [Flowtable],
    /// The names of all interfaces that were asked for.
    pub(super) names: &'a [&'a str],
    pub(super) wanted: Option<Hook>,
    pub(super) owner: &'a Owner,
}

impl Watched {
    pub(super) fn new(name: String, side: Side, zone: usize) -> Self {
        Self {
            name,
            side,
            zone,
            programs: None,
            trouble: None,
            bypasses: BTreeSet::new(),
        }
    }

    /// Attaches what is missing; tells how all is attached if something was.
    ///
    /// # Errors
    ///
    /// When the interface is not there, or packets would be seen twice, or the kernel refuses.
    pub(super) fn attach(
        &mut self,
        means: &mut Means<'_>,
        listed: &Interface,
    ) -> Result<Option<Hooks>> {
        let name = &self.name;
        means.links.check(name, means.names)?;
        let description = means.links.describe(name).context("it is gone")?;
        // Before the programs, which look themselves up by it.
        listed.set(description);
        let index = description.index;
        let programs = self.programs.get_or_insert_with(|| Programs::new(index));
        let mut has_changed = false;
        for direction in Direction::ALL {
            let attachment = &mut programs.by_direction[direction as usize];
            if attachment.is_none() {
                let target = Target {
                    interface: name,
                    index,
                    side: self.side,
                    direction,
                };
                *attachment = Some(attach::attach(
                    means.ebpf,
                    target,
                    means.wanted,
                    means.owner,
                )?);
                has_changed = true;
            }
        }
        Ok(programs.hooks().filter(|_| has_changed))
    }

    /// Looks whether all is as it should be, and mends it. Tells what is new.
    pub(super) fn tend(&mut self, means: &mut Means<'_>, listed: &Interface) -> Vec<What> {
        let mut news = self.look(means.links, means.names, listed);
        let outcome = match means.links.describe(&self.name) {
            None => Some(What::Gone),
            Some(_) => match self.attach(means, listed) {
                Ok(None) => None,
                Ok(Some(hooks)) => Some(What::Attached(hooks)),
                Err(error) => Some(What::Refused(format!("{error:#}"))),
            },
        };
        match outcome {
            Some(What::Attached(hooks)) => {
                self.trouble = None;
                news.push(What::Attached(hooks));
            }
            Some(trouble) if self.trouble.as_ref() != Some(&trouble) => {
                news.push(trouble.clone());
                self.trouble = Some(trouble);
            }
            Some(_) | None => {}
        }
        news.extend(self.next_to_the_wire(means));
        news.extend(self.hidden(listed));
        news.extend(self.bypassed(means));
        news
    }

    /// Lets go of what is not ours any more.
    fn look(&mut self, links: &Links, names: &[&str], listed: &Interface) -> Vec<What> {
        let mut news = Vec::new();
        let Some(programs) = &mut self.programs else {
            return news;
        };
        let description = links.describe(&self.name);
        let is_same = description.is_some_and(|found| found.index == programs.index);
        if !is_same || links.above(&self.name, names).is_some() {
            self.programs = None;
            listed.vacate();
            // It is back already, under another number: both are to be said.
            if description.is_some() && !is_same {
                news.push(What::Gone);
            }
            return news;
        }
        for direction in Direction::ALL {
            let attachment = &mut programs.by_direction[direction as usize];
            // Where the kernel does not tell, nothing is known to be wrong.
            let is_missing = |held: &Attachment| !held.is_there().unwrap_or(true);
            if attachment.as_ref().is_some_and(is_missing) {
                *attachment = None;
                news.push(What::TakenOff(direction));
            }
        }
        news
    }

    /// Moves the programs past those that others have put between them and the wire.
    fn next_to_the_wire(&mut self, means: &mut Means<'_>) -> Vec<What> {
        let Some(programs) = &mut self.programs else {
            return Vec::new();
        };
        let mut news = Vec::new();
        for direction in Direction::ALL {
            let others = programs.towards_the_wire(direction);
            if others.iter().all(|other| programs.passed.contains(other)) {
                continue;
            }
            programs.passed.extend(others.iter().cloned());
            programs.by_direction[direction as usize] = None;
            let target = Target {
                interface: &self.name,
                index: programs.index,
                side: self.side,
                direction,
            };
            match attach::attach(means.ebpf, target, means.wanted, means.owner) {
                Ok(attachment) => programs.by_direction[direction as usize] = Some(attachment),
                Err(error) => news.push(What::Refused(format!("{error:#}"))),
            }
            let left = programs.towards_the_wire(direction);
            news.push(if left.is_empty() {
                What::Moved(direction, others)
            } else {
                What::Displaced(direction, left)
            });
        }
        news
    }

    /// Which direction's packets have come to be hidden, or visible.
    fn hidden(&mut self, listed: &Interface) -> Vec<What> {
        let Some(programs) = &mut self.programs else {
            return Vec::new();
        };
        let index = programs.index;
        let attached = programs.by_direction.iter().flatten();
        let news = attached
            .zip(&mut programs.hidden)
            .filter_map(|(attachment, hidden)| {
                let direction = attachment.direction();
                let now = Sample {
                    packets: links::packets(index, direction).ok()??,
                    ran_ticks: listed.ran_ticks(direction),
                };
                Some(if hidden.changes(now)? {
                    What::Hidden(direction, attachment.before().unwrap_or_default())
                } else {
                    What::Visible(direction)
                })
            });
        news.collect()
    }

    /// Which flowtables have come to take packets past it.
    fn bypassed(&mut self, means: &Means<'_>) -> Vec<What> {
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

    /// Takes the programs off.
    pub(super) fn detach(&mut self) {
        self.programs = None;
    }
}

impl Programs {
    fn new(index: u32) -> Self {
        Self {
            index,
            by_direction: [None, None],
            passed: BTreeSet::new(),
            hidden: Default::default(),
        }
    }

    /// Where the kernel does not tell, nothing is known to be wrong.
    fn towards_the_wire(&self, direction: Direction) -> Vec<String> {
        let attachment = self.by_direction[direction as usize].as_ref();
        let others = attachment.map(Attachment::towards_the_wire);
        others.and_then(Result::ok).unwrap_or_default()
    }

    fn hooks(&self) -> Option<Hooks> {
        let [ingress, egress] = &self.by_direction;
        Some(Hooks([ingress.as_ref()?.hook(), egress.as_ref()?.hook()]))
    }
}
