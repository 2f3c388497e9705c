//! Whether "nobody" is proved: by agents that were there, numbers of records without a gap, and a store
//! that could be read.

use std::collections::HashSet;

use super::question::Question;
use crate::store::{Found, Gap, Wanted};

/// Why a connection may be missing from an answer. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// No agent is known to have translated to the address about that time.
    NoAgent,
    /// Agents that translate to the address are known to have been there from when to when, but
    /// not all of the time in question.
    NotThere(Vec<(i64, i64)>),
    /// Records are missing.
    Gap(Gap),
    /// Records from before this were thrown away.
    ThrownAway(i64),
    /// A connection that was open at this time, when the newest record was made, has none: starts were not
    /// recorded.
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
    let unknown = unknown.filter(|connection| question.may_be_to(connection));
    let unknown: HashSet<_> = unknown.map(|connection| connection.id).collect();
    if !unknown.is_empty() {
        doubts.push(Doubt::Unknown(unknown.len()));
    }
    doubts
}

/// No connection took longer to be on record than the longest: who was alive at a time has been recorded by
/// then.
fn horizon_us(wanted: &Wanted, found: &Found) -> i64 {
    wanted.until_us.saturating_add(found.longest_us)
}

fn presence(wanted: &Wanted, found: &Found) -> Option<Doubt> {
    let mut known = found.numbers.knowing(wanted.address).peekable();
    if known.peek().is_none() {
        return Some(Doubt::NoAgent);
    }
    let known: Vec<_> = known.collect();
    let spanning = known.iter().filter(|of_run| {
        of_run.span.since_us <= wanted.from_us && wanted.until_us <= of_run.span.until_us
    });
    let mut spanning = spanning.peekable();
    if spanning.peek().is_none() {
        let spans = known
            .iter()
            .map(|of_run| (of_run.span.since_us, of_run.span.until_us));
        return Some(Doubt::NotThere(spans.collect()));
    }
    let before_us = wanted.from_us.saturating_sub(found.longest_us);
    let is_silent = |until_us: i64, since_us: i64, starts_us: Option<i64>| {
        let tells = starts_us.is_some_and(|starts_us| starts_us <= before_us.max(since_us));
        !tells && until_us < horizon_us(wanted, found)
    };
    let silent = spanning
        .find(|of_run| is_silent(of_run.span.until_us, of_run.span.since_us, of_run.starts_us));
    silent.map(|of_run| Doubt::Open(of_run.span.until_us))
}

/// Whether a record in the gap may be of a connection that was there.
fn may_hide(gap: &Gap, wanted: &Wanted, found: &Found) -> bool {
    gap.until_us >= wanted.from_us
        && gap
            .from_us
            .is_none_or(|from_us| from_us <= horizon_us(wanted, found))
}
