//! Records of connections that go on are left out if the connection ends while there is no room for
//! them: the log says so, once for each change, with the count.

use tracing::warn;

use crate::engine::Stats;

#[derive(Default)]
pub(super) struct LeftOut {
    starts: u64,
    updates: u64,
}

impl LeftOut {
    /// Reports what has grown since the last call.
    pub(super) fn report(&mut self, stats: &Stats) {
        say("start", &mut self.starts, stats.starts_left_out);
        say("update", &mut self.updates, stats.updates_left_out);
    }
}

fn say(kind: &'static str, reported: &mut u64, total: u64) {
    let new = total - *reported;
    if new > 0 {
        warn!(
            kind,
            new, total, "connections ended before there was room for such records of them"
        );
    }
    *reported = total;
}
