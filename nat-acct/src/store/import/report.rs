//! What is said on standard error of an import, and the sums.

use std::io::{self, Write as _};

use super::{Imported, rejects::Source, writer::Written};
use crate::{one_line::one_line, record::NoRecord};

/// How many lines of a file are told of one by one; all are kept.
const TOLD: u64 = 20;

#[derive(Default)]
pub(super) struct Report {
    sums: Imported,
    /// Whose rejected lines were told of last, and how many of them there were.
    told: Option<(Source, u64)>,
}

impl Report {
    pub(super) fn sums(&self) -> Imported {
        self.sums
    }

    pub(super) fn written(&mut self, written: Written) {
        self.sums.records += written.records;
        self.sums.known += written.known;
        self.sums.open += written.open;
    }

    pub(super) fn reject(&mut self, source: &Source, number: u64, error: &NoRecord) {
        self.sums.rejected += 1;
        match &mut self.told {
            Some((told, count)) if told == source => *count += 1,
            told => *told = Some((source.clone(), 1)),
        }
        let count = self.told.as_ref().map_or(0, |(_, count)| *count);
        if count <= TOLD {
            say(&format!("{source}:{number}: {error}"));
        }
        if count == TOLD {
            say(&format!(
                "{source}: further lines that are no records are only counted"
            ));
        }
    }

    pub(super) fn unread(&mut self, source: &Source, error: &io::Error) {
        self.sums.unread += 1;
        say(&format!("{source}: {error}"));
    }

    pub(super) fn warn(&self, what: &str) {
        say(what);
    }
}

fn say(what: &str) {
    let _ = writeln!(io::stderr(), "nat-acct: {}", one_line(what));
}
