//! The timers of slots: a list through an array for each position of the wheel.

use super::wheel::{ALL_POSITIONS, Position};

/// The timer of a slot, if it has one.
#[derive(Clone, Copy)]
struct Node {
    /// [`NEVER`] if it has none.
    due_ns: u64,
    before: Link,
    after: Link,
}

const _: () = assert!(size_of::<Node>() == 16);

/// What a timer is next to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link(u32);

impl Link {
    const NOTHING: Self = Self(u32::MAX);
    /// Before one that is in no list.
    const NEAR: Self = Self(u32::MAX - 1);
    /// The lowest of those that stand for positions.
    const FIRST_HEAD: u32 = Self::NEAR.0 - ALL_POSITIONS as u32;

    const fn head(position: Position) -> Self {
        Self(Self::FIRST_HEAD + position as u32)
    }

    /// The position whose first timer has this before it.
    fn position(self) -> Option<Position> {
        let heads = Self::FIRST_HEAD..Self::NEAR.0;
        let position = heads.contains(&self.0).then(|| self.0 - heads.start);
        position.and_then(|position| position.try_into().ok())
    }
}

/// No timer is due then.
pub(super) const NEVER: u64 = u64::MAX;

impl Node {
    const ABSENT: Self = Self::near(NEVER);

    const fn near(due_ns: u64) -> Self {
        Self {
            due_ns,
            before: Link::NEAR,
            after: Link::NOTHING,
        }
    }
}

pub(super) struct Links {
    /// By slot.
    nodes: Vec<Node>,
    /// The first timer of each position.
    heads: [Link; ALL_POSITIONS],
}

impl Default for Links {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            heads: [Link::NOTHING; ALL_POSITIONS],
        }
    }
}

impl Links {
    pub(super) fn reserve(&mut self, slots: usize) {
        self.nodes.reserve(slots);
    }

    /// When the timer of a slot is due, if it has one.
    pub(super) fn due_ns(&self, slot: u32) -> Option<u64> {
        let due_ns = self.nodes.get(slot as usize)?.due_ns;
        (due_ns != NEVER).then_some(due_ns)
    }

    /// Whether a slot has this timer, and it is in no list.
    pub(super) fn is_near(&self, slot: u32, due_ns: u64) -> bool {
        let node = self.nodes.get(slot as usize);
        node.is_some_and(|node| node.due_ns == due_ns && node.before == Link::NEAR)
    }

    /// Gives a slot that has none a timer in no list.
    pub(super) fn set_near(&mut self, slot: u32, due_ns: u64) {
        *self.node(slot) = Node::near(due_ns);
    }

    /// Gives a slot that has none a timer at a position.
    pub(super) fn push(&mut self, position: Position, slot: u32, due_ns: u64) {
        let after = self.heads[usize::from(position)];
        *self.node(slot) = Node {
            due_ns,
            before: Link::head(position),
            after,
        };
        self.set_before(after, Link(slot));
        self.heads[usize::from(position)] = Link(slot);
    }

    /// Takes out the first timer of a position.
    pub(super) fn pop(&mut self, position: Position) -> Option<(u32, u64)> {
        let Link(slot) = self.heads[usize::from(position)];
        let due_ns = self.due_ns(slot)?;
        self.take(slot);
        Some((slot, due_ns))
    }

    /// Takes out the timer of a slot. Returns the position that has none any more.
    pub(super) fn take(&mut self, slot: u32) -> Option<Position> {
        let node = self.nodes.get_mut(slot as usize)?;
        let Node { before, after, .. } = std::mem::replace(node, Node::ABSENT);
        self.set_before(after, before);
        let Some(position) = before.position() else {
            if let Some(node) = self.nodes.get_mut(before.0 as usize) {
                node.after = after;
            }
            return None;
        };
        self.heads[usize::from(position)] = after;
        (after == Link::NOTHING).then_some(position)
    }

    fn set_before(&mut self, Link(slot): Link, before: Link) {
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            node.before = before;
        }
    }

    fn node(&mut self, slot: u32) -> &mut Node {
        let place = slot as usize;
        if place >= self.nodes.len() {
            self.nodes.resize(place + 1, Node::ABSENT);
        }
        &mut self.nodes[place]
    }
}
