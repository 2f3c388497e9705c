//! The connections that the engine knows, by slot.

use std::collections::HashMap;

use nat_acct_common::flow::Facts;

use super::interim::Told;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// Its counters have been asked for.
    Retiring,
    /// Its record was made, but may not be written yet.
    Settled,
}

struct State {
    stage: Stage,
    told: Told,
    /// The earliest time at which a timer is set for it.
    due_ns: Option<u64>,
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
            told: Told::default(),
            due_ns: None,
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

    /// What has been told of it.
    pub(super) fn told(&mut self, slot: u32) -> Option<&mut Told> {
        self.by_slot.get_mut(&slot).map(|state| &mut state.told)
    }

    /// Whether a timer has to be set for `due_ns`. It has not if one is set for earlier: when that
    /// goes off, the connection is looked at, and its deadline found to be later.
    pub(super) fn needs_timer(&mut self, slot: u32, due_ns: u64) -> bool {
        match self.by_slot.get_mut(&slot) {
            Some(state) if state.due_ns.is_none_or(|set| due_ns < set) => {
                state.due_ns = Some(due_ns);
                true
            }
            _ => false,
        }
    }

    /// Takes note that the timer for `due_ns` has gone off; tells whether the connection is to be
    /// looked at.
    pub(super) fn timer_went_off(&mut self, slot: u32, due_ns: u64) -> bool {
        match self.by_slot.get_mut(&slot) {
            Some(state) if state.due_ns == Some(due_ns) => {
                state.due_ns = None;
                state.stage == Stage::Open
            }
            _ => false,
        }
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
