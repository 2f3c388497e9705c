//! What could not be kept appears in the log: once for each change, with the count.

use std::collections::BTreeMap;

use nat_acct_common::layout::{Cause, IgnoredTotal};
use tracing::warn;

#[derive(Default)]
pub(super) struct Losses {
    reported: BTreeMap<Cause, u64>,
}

impl Losses {
    /// Reports each loss that has grown since the last call.
    pub(super) fn report(&mut self, ignored: &[(Cause, IgnoredTotal)]) {
        for (cause, total) in ignored {
            let Some(meaning) = meaning(*cause) else {
                continue;
            };
            let reported = self.reported.entry(*cause).or_default();
            if total.packets > *reported {
                let new = total.packets - *reported;
                warn!(
                    cause = cause.name(),
                    new,
                    total = total.packets,
                    "{meaning}"
                );
                *reported = total.packets;
            }
        }
    }
}

/// What a loss means for the operator; `None` for packets that are not ours to count.
fn meaning(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::TableFull => Some("connections were not taken on: raise --max-connections"),
        Cause::HalfOpenFull => Some(
            "connections were not taken on: half of --max-connections wait for an answer, which is \
             a flood of openings or a table that is too small",
        ),
        Cause::NoPlace => Some("connections were not taken on: their place in the table was taken"),
        Cause::EventLost => Some("the ring buffer was full: records come later, none is lost"),
        Cause::OutsideFull => Some("SYNs on the outside were not noted: raise --max-connections"),
        Cause::Inconsistent => Some("the maps do not fit the programs: please report this"),
        Cause::UnknownInterface => Some("packets came by an interface that is not configured"),
        Cause::NotIp
        | Cause::NotTcp
        | Cause::LaterFragment
        | Cause::Truncated
        | Cause::BadHeader
        | Cause::ExtensionChain
        | Cause::UnknownConnection
        | Cause::Stray
        | Cause::AfterFirstFin
        | Cause::Overflowed
        | Cause::OtherHost
        | Cause::Redirected => None,
    }
}
