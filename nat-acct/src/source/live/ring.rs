//! The ring buffer. Events are taken from it some at a time, so that what they speak of can be fetched
//! for all of them at once.

use std::{
    collections::VecDeque,
    io, iter,
    os::fd::{AsFd as _, OwnedFd},
};

use anyhow::Result;
use aya::{
    Ebpf,
    maps::{MapData, RingBuf},
};
use nat_acct_common::layout::Event;

use super::{
    FETCHED, event,
    table::{KernelTable, take},
};

/// The map EVENTS, and what was taken from it.
pub(super) struct Ring {
    buffer: RingBuf<MapData>,
    taken: VecDeque<Event>,
}

impl Ring {
    /// That of the programs.
    pub(super) fn of(ebpf: &mut Ebpf) -> Result<Self> {
        Ok(Self {
            buffer: RingBuf::try_from(take(ebpf, "EVENTS")?)?,
            taken: VecDeque::with_capacity(FETCHED),
        })
    }

    /// See [`super::Live::events_fd`].
    pub(super) fn fd(&self) -> io::Result<OwnedFd> {
        self.buffer.as_fd().try_clone_to_owned()
    }

    /// The next event. What `table` has of its connection was fetched.
    pub(super) fn next(&mut self, table: &KernelTable) -> Option<Event> {
        if self.taken.is_empty() {
            self.take();
            table.fetch(self.taken.iter().filter_map(Event::slot));
        }
        self.taken.pop_front()
    }

    fn take(&mut self) {
        // Those that no program of this build sends are left out.
        let next = || Some(event::read(&self.buffer.next()?));
        for event in iter::from_fn(next).flatten().take(FETCHED) {
            add(&mut self.taken, event);
        }
    }
}

/// Adds an event, unless one of the same connection waits: who looks at the connection then sees what both
/// speak of.
fn add(waiting: &mut VecDeque<Event>, event: Event) {
    let is_said = event.slot().is_some() && waiting.contains(&event);
    if !is_said {
        waiting.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use nat_acct_common::layout::{ConnectionEvent, OutsideEvent, OutsideKey};

    use super::*;

    #[test]
    fn a_connection_is_looked_at_once_and_each_syn_is_heard() {
        let connection = |slot| Event::Connection(ConnectionEvent { slot });
        let outside = |at_ns| {
            let key = OutsideKey::default();
            Event::Outside(OutsideEvent { key, at_ns })
        };
        let mut waiting = VecDeque::new();
        let events = [connection(1), outside(1), connection(2), outside(1)];
        for event in events.into_iter().chain([connection(1), connection(2)]) {
            add(&mut waiting, event);
        }
        assert_eq!(waiting, events);
        waiting.pop_front();
        add(&mut waiting, connection(1));
        assert_eq!(waiting.back(), Some(&connection(1)));
    }
}
