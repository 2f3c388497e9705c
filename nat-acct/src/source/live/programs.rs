//! The two programs on an interface: what others do to them is found out, and mended.

use std::collections::BTreeSet;

use anyhow::Result;
use aya::Ebpf;
use nat_acct_common::layout::{Direction, Interface};

use super::{
    attach::{self, Attachment, Hook, Owner, Side, Target},
    by_hand,
    change::{Hooks, What},
    flowtables::Flowtable,
    hidden::{Hidden, Sample},
    links::{self, Links},
    pins::Pins,
};

/// What is needed to attach programs.
pub(super) struct Means<'a> {
    pub(super) ebpf: &'a mut Ebpf,
    pub(super) links: &'a Links,
    pub(super) flowtables: &'a [Flowtable],
    /// When this look began, in nanoseconds of the monotonic clock.
    pub(super) looked_ns: u64,
    /// The names of all interfaces that were asked for.
    pub(super) names: &'a [&'a str],
    pub(super) wanted: Option<Hook>,
    pub(super) owner: &'a Owner,
    /// Where the links of the programs are, if they are to live on.
    pub(super) pins: Option<&'a Pins>,
}

impl Means<'_> {
    /// Has the programs take over which interfaces there are, and tell when each last ran; `false` if
    /// they do not now.
    pub(super) fn exchange_interfaces(&mut self) -> Result<bool> {
        by_hand::run_patiently(self.ebpf, "exchange_interfaces")
    }
}

/// The programs on an interface, and what they see.
pub(super) struct Programs {
    interface: String,
    pub(super) index: u32,
    side: Side,
    /// Its place in the map INTERFACES.
    number: usize,
    by_direction: [Option<Attachment>; 2],
    /// Programs of others that were found between ours and the wire. Ours moves past each of them
    /// once: two that both want to be next to the wire must not chase each other.
    passed: BTreeSet<String>,
    hidden: [Hidden; 2],
}

impl Programs {
    /// None yet, for the interface with this number.
    pub(super) fn new(interface: String, index: u32, side: Side, number: usize) -> Self {
        Self {
            interface,
            index,
            side,
            number,
            by_direction: [None, None],
            passed: BTreeSet::new(),
            hidden: Default::default(),
        }
    }

    /// Attaches what is missing; tells how all is attached if something was.
    pub(super) fn attach_missing(&mut self, means: &mut Means<'_>) -> Result<Option<Hooks>> {
        let mut has_changed = false;
        for direction in Direction::ALL {
            if self.by_direction[direction as usize].is_none() {
                self.attach(direction, means)?;
                has_changed = true;
            }
        }
        Ok(self.hooks().filter(|_| has_changed))
    }

    /// Lets go of programs that somebody has taken off.
    pub(super) fn let_go(&mut self) -> Vec<What> {
        let mut news = Vec::new();
        for direction in Direction::ALL {
            let attachment = &mut self.by_direction[direction as usize];
            // Where the kernel does not tell, nothing is known to be wrong.
            let is_missing = |held: &Attachment| !held.is_there().unwrap_or(true);
            if attachment.as_ref().is_some_and(is_missing) {
                *attachment = None;
                news.push(What::TakenOff(direction));
            }
        }
        news
    }

    /// Finds what others have put between the programs and the wire. On the outside, ours move past
    /// it; on the inside their place is another.
    pub(super) fn move_to_the_wire(&mut self, means: &mut Means<'_>) -> Vec<What> {
        let mut news = Vec::new();
        for direction in Direction::ALL {
            let others = self.towards_the_wire(direction);
            if others.iter().all(|other| self.passed.contains(other)) {
                continue;
            }
            self.passed.extend(others.iter().cloned());
            if self.side == Side::Outside {
                // The kernel does not take a program twice on one hook.
                if let Some(attachment) = self.by_direction[direction as usize].take() {
                    attachment.detach();
                }
                if let Err(error) = self.attach(direction, means) {
                    news.push(What::Refused(format!("{error:#}")));
                    continue;
                }
            }
            let left = self.towards_the_wire(direction);
            news.push(if left.is_empty() {
                What::Moved(direction, others)
            } else {
                What::Displaced(direction, left)
            });
        }
        news
    }

    /// Which direction's packets have come to be hidden, or visible.
    pub(super) fn look_for_hidden(&mut self, listed: &Interface, looked_ns: u64) -> Vec<What> {
        let Ok(Some(packets)) = links::packets(self.index) else {
            return Vec::new();
        };
        let both = self.by_direction.iter().zip(&mut self.hidden);
        let news = both.filter_map(|(attachment, hidden)| {
            let attachment = attachment.as_ref()?;
            let direction = attachment.direction();
            let now = Sample {
                at_ns: looked_ns,
                packets: packets[direction as usize],
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

    /// Takes the programs off, also those that were to live on.
    pub(super) fn detach(self) {
        let attachments = self.by_direction.into_iter().flatten();
        attachments.for_each(Attachment::detach);
    }

    fn attach(&mut self, direction: Direction, means: &mut Means<'_>) -> Result<()> {
        let target = Target {
            interface: &self.interface,
            index: self.index,
            side: self.side,
            direction,
        };
        let link = |pins: &Pins| pins.link(self.side, self.number, direction);
        let pin = means.pins.map(link);
        let attachment = attach::attach(means.ebpf, target, means.wanted, means.owner, pin)?;
        self.by_direction[direction as usize] = Some(attachment);
        self.hidden[direction as usize] = Hidden::since(means.looked_ns);
        Ok(())
    }

    /// Where the kernel does not tell, nothing is known to be wrong.
    fn towards_the_wire(&self, direction: Direction) -> Vec<String> {
        let attachment = self.by_direction[direction as usize].as_ref();
        let others = attachment.map(Attachment::towards_the_wire);
        others.and_then(Result::ok).unwrap_or_default()
    }

    /// Whether there are packets that one of the programs does not see.
    pub(super) fn hides_packets(&self) -> bool {
        self.hidden.iter().any(Hidden::is_hidden)
    }

    /// If there are: the time before which the programs saw all.
    pub(super) fn hides_since_ns(&self) -> Option<u64> {
        self.hidden.iter().filter_map(Hidden::since_ns).min()
    }

    /// How both are attached, if both are.
    pub(super) fn hooks(&self) -> Option<Hooks> {
        let [ingress, egress] = &self.by_direction;
        Some(Hooks([ingress.as_ref()?.hook(), egress.as_ref()?.hook()]))
    }
}
