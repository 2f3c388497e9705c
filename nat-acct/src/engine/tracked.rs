//! The connections that the engine knows, by slot.

use std::collections::HashMap;

use nat_acct_common::flow::Facts;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// Its counters have been asked for.
    Retiring,
}

struct State {
    stage: Stage,
    /// When to look at it again; 0 before the first deadline.
    due_ns: u64,
}

#[derive(Default)]
pub(super) struct Tracked {
    by_slot: HashMap<u32, State>,
}

impl Tracked {
    /// Notes a connection; tells whether it is new. A slot is not used again before it was
    /// harvested, so its number is enough.
    pub(super) fn begin(&mut self, facts: &Facts) -> bool {
        let before = self.by_slot.len();
        self.by_slot.entry(facts.slot).or_insert(State {
            stage: Stage::Open,
            due_ns: 0,
        });
        self.by_slot.len() > before
    }

    pub(super) fn stage(&self, slot: u32) -> Option<Stage> {
        self.by_slot.get(&slot).map(|state| state.stage)
    }

    pub(super) fn set_stage(&mut self, slot: u32, stage: Stage) {
        if let Some(state) = self.by_slot.get_mut(&slot) {
            state.stage = stage;
        }
    }

    /// Sets the deadline; tells whether it is another than before.
    pub(super) fn set_due(&mut self, slot: u32, due_ns: u64) -> bool {
        match self.by_slot.get_mut(&slot) {
            Some(state) if state.due_ns != due_ns => {
                state.due_ns = due_ns;
                true
            }
            _ => false,
        }
    }

    /// Whether `due_ns` is the deadline of an open connection.
    pub(super) fn is_due(&self, slot: u32, due_ns: u64) -> bool {
        self.by_slot
            .get(&slot)
            .is_some_and(|state| state.stage == Stage::Open && state.due_ns == due_ns)
    }

    pub(super) fn end(&mut self, slot: u32) {
        self.by_slot.remove(&slot);
    }

    /// Marks all open connections as retiring and returns their slots in order.
    pub(super) fn retire_all(&mut self) -> Vec<u32> {
        let mut slots: Vec<u32> = self
            .by_slot
            .iter_mut()
            .filter(|(_, state)| state.stage == Stage::Open)
            .map(|(slot, state)| {
                state.stage = Stage::Retiring;
                *slot
            })
            .collect();
        slots.sort_unstable();
        slots
    }

    pub(super) fn len(&self) -> usize {
        self.by_slot.len()
    }
}
