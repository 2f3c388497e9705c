//! Looking at all SYNs on the outside for those of which events were lost, in parts. What is said of a
//! translated address when a connection is harvested is final: after a loss, a connection that has
//! ended waits for a whole look that began after its end.

use crate::source::live::Cursor;

#[derive(Default)]
pub(super) struct Outside {
    look: Option<Look>,
    /// How many events had been lost when the last whole look began.
    whole_at_loss: u64,
    /// So many of the connections that wait, the first ones, had ended before it.
    cleared: usize,
}

/// Who wants a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Harvest,
    Sweep,
}

/// One that is under way.
struct Look {
    purpose: Purpose,
    next: Option<Cursor>,
    events_lost: u64,
    waiting: usize,
}

impl Outside {
    /// Begins a look from the start, given how many events were lost so far, and how many connections
    /// wait to be harvested.
    pub(super) fn begin(&mut self, purpose: Purpose, events_lost: u64, waiting: usize) {
        self.look = Some(Look {
            purpose,
            next: None,
            events_lost,
            waiting,
        });
    }

    /// Whether a look is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.look.is_some()
    }

    /// Whether it is one that began with a sweep.
    pub(super) fn is_of_sweep(&self) -> bool {
        let look = self.look.as_ref();
        look.is_some_and(|look| look.purpose == Purpose::Sweep)
    }

    /// Where the look under way goes on.
    pub(super) fn position(&self) -> Option<Cursor> {
        self.look.as_ref()?.next
    }

    /// Goes on behind a part; there is no next one after the last.
    pub(super) fn go_on(&mut self, next: Option<Cursor>) {
        let Some(look) = &mut self.look else {
            return;
        };
        look.next = next;
        if next.is_none() {
            self.whole_at_loss = look.events_lost;
            self.cleared = self.cleared.max(look.waiting);
            self.look = None;
        }
    }

    /// How many of the connections that wait may be harvested.
    pub(super) fn ready(&self, events_lost: u64, waiting: usize) -> usize {
        if events_lost == self.whole_at_loss {
            waiting
        } else {
            self.cleared.min(waiting)
        }
    }

    /// Takes note that the first of them is harvested.
    pub(super) fn harvested(&mut self) {
        self.cleared = self.cleared.saturating_sub(1);
        if let Some(look) = &mut self.look {
            look.waiting = look.waiting.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_without_a_loss() {
        assert_eq!(Outside::default().ready(0, 5), 5);
    }

    #[test]
    fn after_a_loss_those_are_ready_that_waited_when_a_whole_look_began() {
        let mut outside = Outside::default();
        assert_eq!(outside.ready(1, 5), 0);
        outside.begin(Purpose::Harvest, 1, 5);
        assert_eq!(outside.ready(1, 6), 0);
        outside.go_on(None);
        assert_eq!(outside.ready(1, 6), 6);
        // Events are lost all the time.
        assert_eq!(outside.ready(2, 6), 5);
        outside.harvested();
        assert_eq!(outside.ready(3, 5), 4);
    }

    #[test]
    fn those_harvested_during_a_look_count_no_longer() {
        let mut outside = Outside::default();
        outside.begin(Purpose::Sweep, 0, 3);
        outside.harvested();
        outside.go_on(None);
        assert_eq!(outside.ready(1, 9), 2);
    }
}
