//! What the engine counts of its own work.

use std::collections::BTreeMap;

use crate::record::{Account, End, Match, Totals};

/// Totals since the start.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Connections whose opening was seen.
    pub opened: u64,
    /// Records made, by reason.
    pub closed: BTreeMap<End, u64>,
    /// Records made, by how the translated address was found.
    pub matched: BTreeMap<Match, u64>,
    /// Records marked as partial.
    pub partial: u64,
    /// What was counted for these records. Of two that count the same bytes, one is left out.
    pub totals: Totals,
    /// SYNs on the outside without an opening on the inside, such as the gateway's own.
    pub outside_unmatched: u64,
    /// SYNs for a 4-tuple whose older connection went on.
    pub stray_openings: u64,
    /// RSTs after which both sides went on.
    pub resets_refuted: u64,
    /// Records of starts that were due when the connection ended, because there was no room.
    pub starts_left_out: u64,
    /// Records in between, likewise.
    pub updates_left_out: u64,
}

impl Stats {
    pub(super) fn count(&mut self, end: End, account: &Account) {
        *self.closed.entry(end).or_default() += 1;
        *self.matched.entry(account.matched).or_default() += 1;
        self.partial += u64::from(account.partial);
        if !account.repeats_another() {
            self.totals += account.totals;
        }
    }
}
