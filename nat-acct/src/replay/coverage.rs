//! Whether the captures of the outside cover the same time as those of the inside. A connection that was
//! opened before they begin or after their end is not to be called blocked or intercepted: nobody looked.
//! Several captures of the outside are taken for one after the other, not for several outsides: the first
//! that begins and the last that ends count.

use nat_acct_common::{layout::Sender, packet::flag};

use super::{
    seen::{Seen, Side},
    stream::Stream,
};

/// An answer that comes later than this after its SYN has been given up by whoever waited.
const ANSWER_NS: u64 = 5_000_000_000;

pub(super) struct Coverage {
    clock_slack_ns: u64,
    /// Whether there are captures of the outside, and all are empty.
    is_empty: bool,
    begin_ns: Option<u64>,
    early_ns: Option<u64>,
    missing_ns: Option<u64>,
}

impl Coverage {
    /// The captures were read as far as their first segments.
    pub(super) fn new(clock_slack_ns: u64, streams: &[Stream]) -> Self {
        let outside = streams.iter().filter(|stream| stream.is_of_outside());
        let begins_ns: Vec<_> = outside.map(Stream::begin_ns).collect();
        Self {
            clock_slack_ns,
            is_empty: !begins_ns.is_empty() && begins_ns.iter().all(Option::is_none),
            begin_ns: begins_ns.into_iter().flatten().min(),
            early_ns: None,
            missing_ns: None,
        }
    }

    /// Whether nothing was captured on the outside.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Until when SYNs may have been missed on the outside, because its captures had not begun; `None` if
    /// they do not say when they begin.
    pub(super) fn unseen_until_ns(&self) -> Option<u64> {
        self.begin_ns
            .map(|begin_ns| begin_ns.saturating_add(self.clock_slack_ns))
    }

    /// Takes note of when a connection went through the outside; tells whether a segment proves, as the first
    /// one, that this was after the captures of it had ended.
    pub(super) fn lacks(&mut self, seen: &Seen, streams: &[Stream]) -> bool {
        let is_answer = seen.segment.has(flag::SYN) && seen.segment.has(flag::ACK);
        let is_inside = matches!(seen.side, Side::Inside(_));
        let is_of_remote = seen.sender == Some(Sender::Remote);
        if !(is_answer && is_inside && is_of_remote) {
            return false;
        }
        if self.early_ns.is_none() {
            self.early_ns = self.begin_ns.and_then(|begin_ns| {
                let early_ns = begin_ns.checked_sub(seen.time_ns)?;
                (early_ns > self.clock_slack_ns).then_some(early_ns)
            });
        }
        if self.missing_ns.is_some() {
            return false;
        }
        let outside = streams.iter().filter(|stream| stream.is_of_outside());
        let ends_ns: Option<Vec<_>> = outside.map(Stream::end_ns).collect();
        let end_ns = ends_ns.and_then(|ends_ns| ends_ns.into_iter().max());
        self.missing_ns = end_ns
            .and_then(|end_ns| seen.time_ns.checked_sub(end_ns))
            .filter(|missing_ns| *missing_ns > self.clock_slack_ns + ANSWER_NS);
        self.missing_ns.is_some()
    }

    /// How long before the beginning of the outside there was an answer.
    pub(super) fn early_ns(&self) -> Option<u64> {
        self.early_ns
    }

    /// How long after the end of the outside there was still an answer.
    pub(super) fn missing_ns(&self) -> Option<u64> {
        self.missing_ns
    }
}
