//! Whether the captures of the outside last as long as those of the inside. A connection that was
//! opened after their end is not to be called blocked or intercepted: nobody looked.

use nat_acct_common::{layout::Sender, packet::flag};

use super::{
    seen::{Seen, Side},
    stream::Stream,
};

/// An answer that comes later than this after its SYN has been given up by whoever waited.
const ANSWER_NS: u64 = 5_000_000_000;

pub(super) struct Coverage {
    slack_ns: u64,
    missing_ns: Option<u64>,
}

impl Coverage {
    pub(super) fn new(clock_slack_ns: u64) -> Self {
        Self {
            slack_ns: clock_slack_ns + ANSWER_NS,
            missing_ns: None,
        }
    }

    /// Whether a segment proves, as the first one, that its connection went through the outside
    /// after the captures of it had ended.
    pub(super) fn lacks(&mut self, seen: &Seen, streams: &[Stream]) -> bool {
        let is_answer = seen.segment.has(flag::SYN) && seen.segment.has(flag::ACK);
        let is_inside = matches!(seen.side, Side::Inside(_));
        let is_of_remote = seen.sender == Some(Sender::Remote);
        if !(is_answer && is_inside && is_of_remote) || self.missing_ns.is_some() {
            return false;
        }
        let outside = streams.iter().filter(|stream| stream.is_of_outside());
        let ends_ns: Option<Vec<_>> = outside.map(Stream::end_ns).collect();
        let end_ns = ends_ns.and_then(|ends_ns| ends_ns.into_iter().max());
        self.missing_ns = end_ns
            .and_then(|end_ns| seen.time_ns.checked_sub(end_ns))
            .filter(|missing_ns| *missing_ns > self.slack_ns);
        self.missing_ns.is_some()
    }

    /// How long after the end of the outside there was still an answer.
    pub(super) fn missing_ns(&self) -> Option<u64> {
        self.missing_ns
    }
}
