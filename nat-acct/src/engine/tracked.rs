//! The connections that the engine knows, by slot.

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
}

/// Slots are used again: there are as many as there were ever connections at a time.
#[derive(Default)]
pub(super) struct Tracked {
    by_slot: Vec<Option<State>>,
    count: usize,
}

impl Tracked {
    pub(super) fn reserve(&mut self, slots: usize) {
        self.by_slot.reserve(slots);
    }

    /// Notes a connection; tells whether it is new. A slot is not used again before it was
    /// harvested, so its number is enough.
    pub(super) fn begin(&mut self, facts: &Facts) -> bool {
        let place = facts.slot as usize;
        if place >= self.by_slot.len() {
            self.by_slot.resize_with(place + 1, || None);
        }
        let is_new = self.by_slot[place].is_none();
        if is_new {
            self.count += 1;
            self.by_slot[place] = Some(State {
                stage: Stage::Open,
                told: Told::default(),
            });
        }
        is_new
    }

    pub(super) fn stage(&self, slot: u32) -> Option<Stage> {
        let state = self.by_slot.get(slot as usize)?.as_ref();
        state.map(|state| state.stage)
    }

    pub(super) fn set_stage(&mut self, slot: u32, stage: Stage) {
        if let Some(state) = self.state(slot) {
            state.stage = stage;
        }
    }

    /// What has been told of it.
    pub(super) fn told(&mut self, slot: u32) -> Option<&mut Told> {
        self.state(slot).map(|state| &mut state.told)
    }

    pub(super) fn end(&mut self, slot: u32) {
        let state = self.by_slot.get_mut(slot as usize);
        let ended = state.and_then(Option::take);
        self.count -= usize::from(ended.is_some());
    }

    /// Marks all open connections as retiring and returns their slots in order.
    pub(super) fn retire_all(&mut self) -> impl Iterator<Item = u32> {
        (0..).zip(&mut self.by_slot).filter_map(|(slot, state)| {
            let state = state.as_mut().filter(|state| state.stage == Stage::Open)?;
            state.stage = Stage::Retiring;
            Some(slot)
        })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn state(&mut self, slot: u32) -> Option<&mut State> {
        self.by_slot.get_mut(slot as usize)?.as_mut()
    }
}
