//! What is told of records and of where they go.

use jiff::Timestamp;

use super::Recorder;
use crate::{agent::figures::Output, engine::Stats};

impl Recorder {
    /// How it stands at `now_ns` of the monotonic clock.
    pub(in crate::agent) fn figures(&self, now_ns: u64, stats: &Stats) -> Output {
        let status = self.queue.status();
        let lag_ns = status
            .oldest_ns
            .map(|made_ns| now_ns.saturating_sub(made_ns));
        Output {
            to: self.output.to_string(),
            made: self.made,
            written: status.written,
            waiting: status.waiting as u64,
            lag_seconds: lag_ns.unwrap_or(0) as f64 / 1e9,
            errors: status.errors,
            failing: status.cause,
            rotations: status.rotations,
            starts_left_out: stats.starts_left_out,
            updates_left_out: stats.updates_left_out,
        }
    }

    /// The wall-clock time at `at_ns` of the monotonic clock.
    pub(in crate::agent) fn wall_clock(&self, at_ns: u64) -> Timestamp {
        self.timekeeper.stamp().wall_clock(at_ns)
    }
}
