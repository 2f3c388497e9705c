//! A sink that neither takes records nor says why: said once when it is noticed, and once when it
//! is over.

use tracing::{info, warn};

use super::queue::Status;
use crate::sink::Output;

/// Longer than a busy machine or a slow disk lets a write wait.
const STALLED_NS: u64 = 2_000_000_000;

/// Why a write does not come back.
pub(super) fn cause(output: &Output) -> String {
    format!("{output} takes no records: its reader has stopped, or its file system hangs")
}

#[derive(Default)]
pub(super) struct Stall {
    written: u64,
    /// Since when records wait and none is written.
    since_ns: Option<u64>,
    said: bool,
}

impl Stall {
    pub(super) fn look(&mut self, status: &Status, now_ns: u64, output: &Output) {
        match self.change(status, now_ns) {
            Some(Change::Stalled) => warn!("{}; records wait", cause(output)),
            Some(Change::Over) => info!("{output} takes records again"),
            None => {}
        }
    }

    fn change(&mut self, status: &Status, now_ns: u64) -> Option<Change> {
        // An error has its own line.
        let waits = status.waiting > 0 && status.cause.is_none();
        if waits && status.written == self.written {
            let since_ns = *self.since_ns.get_or_insert(now_ns);
            let stalled = now_ns.saturating_sub(since_ns) >= STALLED_NS;
            return (stalled && !std::mem::replace(&mut self.said, stalled))
                .then_some(Change::Stalled);
        }
        self.written = status.written;
        self.since_ns = None;
        std::mem::take(&mut self.said).then_some(Change::Over)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Stalled,
    Over,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    #[test]
    fn a_stall_is_said_once_each_way() {
        let mut stall = Stall::default();
        let mut look = |waiting, written, now_ns| {
            let status = Status {
                waiting,
                written,
                ..Status::default()
            };
            stall.change(&status, now_ns)
        };
        assert_eq!(look(5, 0, 0), None);
        assert_eq!(look(5, 1, SECOND_NS), None);
        assert_eq!(look(9, 1, 2 * SECOND_NS), None);
        assert_eq!(look(9, 1, 4 * SECOND_NS), Some(Change::Stalled));
        assert_eq!(look(9, 1, 9 * SECOND_NS), None);
        assert_eq!(look(8, 2, 10 * SECOND_NS), Some(Change::Over));
        assert_eq!(look(0, 10, 11 * SECOND_NS), None);
        assert_eq!(look(0, 10, 99 * SECOND_NS), None);
    }

    #[test]
    fn an_error_is_no_stall() {
        let mut stall = Stall::default();
        let status = Status {
            waiting: 1,
            cause: Some("disk full".to_owned()),
            ..Status::default()
        };
        for second in 0..10 {
            assert_eq!(stall.change(&status, second * SECOND_NS), None);
        }
    }
}
