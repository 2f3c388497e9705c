//! What the loop counts of its own doings, for those who ask how it stands.

use nat_acct_common::layout::{Cause, IgnoredTotal};

use super::{
    cause_group::CauseGroup,
    figures::{History, Totals},
};
use crate::{clock, engine::Stats};

pub(super) struct Chronicle {
    /// When the agent started, in nanoseconds of the monotonic clock.
    pub(super) started_ns: u64,
    /// Connections that were there already.
    pub(super) adopted: u64,
    /// Sweeps of the whole table.
    pub(super) sweeps: u64,
    /// Connections that a sweep has found.
    pub(super) found_by_sweep: u64,
    pub(super) history: History,
}

impl Chronicle {
    pub(super) fn begin() -> Self {
        Self {
            started_ns: clock::monotonic_ns(),
            adopted: 0,
            sweeps: 0,
            found_by_sweep: 0,
            history: History::default(),
        }
    }
}

/// The totals by which rates are told.
pub(super) fn totals(stats: &Stats, written: u64, ignored: &[(Cause, IgnoredTotal)]) -> Totals {
    let is_not_taken = |cause| CauseGroup::of(cause) == CauseGroup::NotTaken;
    let not_taken = ignored.iter().filter(|(cause, _)| is_not_taken(*cause));
    Totals {
        opened: stats.opened,
        ended: stats.closed.values().sum(),
        written,
        not_taken: not_taken.map(|(_, total)| total.packets).sum(),
    }
}
