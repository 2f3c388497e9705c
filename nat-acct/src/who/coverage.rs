//! Whether "nobody" is proved: by agents that were there, numbers of records without a gap, and a store
//! that could be read.

use std::collections::HashSet;

use super::question::Question;
use crate::{
    record::{Connection, Matched},
    store::{Found, Gap, Wanted},
};

/// Why a connection may be missing from an answer. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// No agent is known to have translated to the address about that time.
    NoAgent,
    /// Agents that translate to the address are known to have been there from when to when, but
    /// not all of the time in question.
    NotThere(Vec<(i64, i64)>),
    /// A connection of that time may have been opened before this one, when the agent began: it has no
    /// record.
    OpenedBefore(i64),
    /// Records are missing.
    Gap(Gap),
    /// Records from before this were thrown away.
    ThrownAway(i64),
    /// A connection that was open at this time, when the newest record was made, has none: that starts were
    /// recorded before the time and after it is not known.
    Open(i64),
    /// There are so many connections of that time whose translated address is not known.
    Unknown(usize),
    /// A part of the records cannot be read.
    Damaged(String),
    /// Whoever was asked does not know if records are missing.
    Unproved,
}

/// Why what was found for a question may not be all.
pub(super) fn doubts(question: &Question, wanted: &Wanted, found: &Found) -> Vec<Doubt> {
    if found.is_unproved {
        return vec![Doubt::Unproved];
    }
    let mut doubts: Vec<_> = found.damaged.iter().cloned().map(Doubt::Damaged).collect();
    if let Some(kept_since_us) = found.kept_since_us
        && wanted.from_us < kept_since_us
    {
        doubts.push(Doubt::ThrownAway(kept_since_us));
    }
    doubts.extend(presence(wanted, found));
    let gaps = found.numbers.gaps().into_iter();
    doubts.extend(
        gaps.filter(|gap| may_hide(gap, wanted, found))
            .map(Doubt::Gap),
    );
    let unknown = found.unknown.iter();
    let unknown = unknown.filter(|connection| is_meant(question, connection));
    let unknown: HashSet<_> = unknown.map(|connection| connection.id).collect();
    if !unknown.is_empty() {
        doubts.push(Doubt::Unknown(unknown.len()));
    }
    doubts
}

/// Of one that the gateway answered in place of the remote, or translated both ends of, the remote that
/// others saw is not known either.
fn is_meant(question: &Question, connection: &Connection) -> bool {
    connection.matched == Matched::Intercepted || question.may_be_to(connection)
}

/// No connection took longer to be on record than the longest: who was alive at a time has been recorded by
/// then.
fn horizon_us(wanted: &Wanted, found: &Found) -> i64 {
    wanted.until_us.saturating_add(found.longest_us)
}

fn presence(wanted: &Wanted, found: &Found) -> Vec<Doubt> {
    let known: Vec<_> = found.numbers.knowing(wanted.address).collect();
    if known.is_empty() {
        return vec![Doubt::NoAgent];
    }
    let spans = known.iter().map(|of_run| of_run.span);
    let spanning = known.iter().filter(|of_run| {
        of_run.span.since_us <= wanted.from_us && wanted.until_us <= of_run.span.until_us
    });
    let spanning: Vec<_> = spanning.collect();
    if spanning.is_empty() {
        let spans = spans.map(|span| (span.since_us, span.until_us));
        return vec![Doubt::NotThere(spans.collect())];
    }
    // Who was there at the time was not opened before this.
    let before_us = wanted.from_us.saturating_sub(found.longest_us);
    let youngest_us = spanning.iter().map(|of_run| of_run.span.since_us).max();
    let young_us = youngest_us.filter(|since_us| *since_us > before_us);
    let silent = spanning.iter().find(|of_run| {
        let since_us = before_us.max(of_run.span.since_us);
        let tells = of_run.starts.is_some_and(|starts| {
            starts.since_us <= since_us && wanted.until_us <= starts.until_us
        });
        !tells && of_run.span.until_us < horizon_us(wanted, found)
    });
    let silent = silent.map(|of_run| Doubt::Open(of_run.span.until_us));
    young_us
        .map(Doubt::OpenedBefore)
        .into_iter()
        .chain(silent)
        .collect()
}

/// Whether a record in the gap may be of a connection that was there. If the clock was set back in between,
/// nobody knows how far back it was when the record was made.
fn may_hide(gap: &Gap, wanted: &Wanted, found: &Found) -> bool {
    let before_us = gap.from_us.filter(|from_us| *from_us <= gap.until_us);
    let until_us = gap
        .from_us
        .map_or(gap.until_us, |from_us| from_us.max(gap.until_us));
    until_us >= wanted.from_us
        && before_us.is_none_or(|before_us| before_us <= horizon_us(wanted, found))
}
