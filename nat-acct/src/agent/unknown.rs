//! Segments of connections whose opening was not seen, such as those that were open when the agent
//! started: no record speaks of them, so the log does, each time that no more of them come.

use nat_acct_common::layout::{Cause, IgnoredTotal};
use tracing::info;

/// Looks without a further segment after which no more are expected: two seconds, at four looks a
/// second.
const QUIET_LOOKS: u32 = 8;

#[derive(Default)]
pub(super) struct Unknown {
    reported: IgnoredTotal,
    last: IgnoredTotal,
    quiet_looks: u32,
}

impl Unknown {
    /// Reports what has come since the last report, if no more comes.
    pub(super) fn look(&mut self, ignored: &[(Cause, IgnoredTotal)]) {
        if self.is_quiet(total(ignored)) {
            self.report();
        }
    }

    /// Reports what has not been reported.
    pub(super) fn finish(&mut self, ignored: &[(Cause, IgnoredTotal)]) {
        self.last = total(ignored);
        self.report();
    }

    fn is_quiet(&mut self, total: IgnoredTotal) -> bool {
        if total != self.last {
            self.last = total;
            self.quiet_looks = 0;
        }
        self.quiet_looks += 1;
        self.quiet_looks == QUIET_LOOKS
    }

    fn report(&mut self) {
        if self.last == self.reported {
            return;
        }
        info!(
            cause = Cause::UnknownConnection.name(),
            packets = self.last.packets - self.reported.packets,
            payload_bytes = self.last.payload_bytes - self.reported.payload_bytes,
            "segments of connections whose opening was not seen are in no record"
        );
        self.reported = self.last;
    }
}

fn total(ignored: &[(Cause, IgnoredTotal)]) -> IgnoredTotal {
    let unknown = ignored
        .iter()
        .find(|(cause, _)| *cause == Cause::UnknownConnection);
    unknown.map_or(IgnoredTotal::default(), |(_, total)| *total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_quiet_once_after_each_change() {
        let mut unknown = Unknown::default();
        let mut quiet = |packets| {
            let total = IgnoredTotal {
                packets,
                payload_bytes: 0,
            };
            (0..3 * QUIET_LOOKS)
                .filter(|_| unknown.is_quiet(total))
                .count()
        };
        assert_eq!(quiet(5), 1);
        assert_eq!(quiet(6), 1);
    }

    #[test]
    fn it_is_not_quiet_while_more_comes() {
        let mut unknown = Unknown::default();
        let quiet = |packets| {
            unknown.is_quiet(IgnoredTotal {
                packets,
                payload_bytes: 0,
            })
        };
        assert!(!(1..100).any(quiet));
    }
}
