//! The answer: who it may have been, the nearest first, and whether it can have been another.

use std::{
    collections::{BTreeSet, HashSet},
    net::IpAddr,
    sync::Arc,
};

use super::{
    coverage::{self, Doubt},
    question::Question,
    time::Span,
};
use crate::{
    record::{Connection, Network},
    store::Found,
};

/// What can be said of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// Who it may have been, the nearest first.
    pub candidates: Vec<Candidate>,
    /// Why there may be others.
    pub doubts: Vec<Doubt>,
}

/// A connection that it may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The connection.
    pub connection: Connection,
    /// How far it is from the time in question, in microseconds: 0 if it was alive then.
    pub distance_us: i64,
}

/// A host on the inside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Client {
    /// Its address.
    pub ip: IpAddr,
    /// Where it is, if that is known.
    pub network: Option<Arc<Network>>,
}

/// An answer in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There are candidates.
    Found,
    /// There is none, and nothing is missing.
    Nobody,
    /// None was found, but there may have been one.
    NoAnswer,
}

impl Answer {
    pub(super) fn new(question: &Question, found: Vec<Found>) -> Self {
        let mut candidates = Vec::new();
        let mut doubts = Vec::new();
        let mut seen = HashSet::new();
        let parts = question.at.spans.iter().zip(question.wanted()).zip(found);
        for ((span, wanted), found) in parts {
            for doubt in coverage::doubts(question, &wanted, &found) {
                if !doubts.contains(&doubt) {
                    doubts.push(doubt);
                }
            }
            // An end is the last word on a connection.
            let all = found.ended.into_iter().chain(found.open);
            let meant = all.filter(|connection| question.may_be_to(connection));
            let fresh = meant.filter(|connection| seen.insert(connection.id));
            candidates.extend(fresh.map(|connection| Candidate {
                distance_us: distance_us(&connection, span),
                connection,
            }));
        }
        candidates.sort_by_key(|candidate| {
            let connection = &candidate.connection;
            (
                candidate.distance_us,
                connection.reason.is_none(),
                -connection.start_us,
                connection.id,
            )
        });
        Self {
            question: question.clone(),
            candidates,
            doubts,
        }
    }

    /// In a word.
    pub fn verdict(&self) -> Verdict {
        if !self.candidates.is_empty() {
            Verdict::Found
        } else if self.doubts.is_empty() {
            Verdict::Nobody
        } else {
            Verdict::NoAnswer
        }
    }

    /// The client, if it can be no other.
    pub fn client(&self) -> Option<Client> {
        let is_proved = self.question.port.is_some()
            && self.question.at.spans.len() == 1
            && self.doubts.is_empty()
            && !self.has_open()
            && !self.may_be_several_hosts();
        let mut clients = self.clients().into_iter();
        clients
            .next()
            .filter(|_| is_proved && clients.next().is_none())
    }

    fn clients(&self) -> BTreeSet<Client> {
        let candidates = self.candidates.iter();
        candidates
            .map(|candidate| Client::of(&candidate.connection))
            .collect()
    }

    /// Whether there are several candidates, and of some it was not kept where they are.
    fn may_be_several_hosts(&self) -> bool {
        let mut candidates = self.candidates.iter();
        candidates.len() > 1 && candidates.any(|one| one.connection.network.is_none())
    }

    fn has_open(&self) -> bool {
        let mut candidates = self.candidates.iter();
        candidates.any(|candidate| candidate.connection.reason.is_none())
    }

    /// What makes the answer unique, or keeps it from being so.
    pub fn why(&self) -> String {
        let clients = self.clients();
        let connections = self.candidates.len();
        let mut reasons = Vec::new();
        if connections == 0 {
            reasons.push("no connection".to_owned());
        } else if connections == 1 {
            let remote = self.candidates[0].connection.remote;
            let to_remote = match self.question.remote.and(remote) {
                Some(_) => " to this remote",
                None => "",
            };
            reasons.push(format!(
                "the only connection with this translated address{to_remote} at that time"
            ));
        } else {
            reasons.push(match clients.len() {
                _ if self.may_be_several_hosts() => format!(
                    "{connections} connections, and it was not kept in which network all of them were"
                ),
                1 => format!("{connections} connections, all of one client"),
                count => format!("{connections} connections of {count} clients"),
            });
        }
        let addresses: BTreeSet<_> = clients.iter().map(|client| client.ip).collect();
        if addresses.len() < clients.len() && !self.may_be_several_hosts() {
            reasons.push("one address in several networks may be several hosts".to_owned());
        }
        if self.question.port.is_none() {
            reasons.push("without a port, all connections of the address are meant".to_owned());
        } else if clients.len() > 1 && self.question.remote.is_none() {
            reasons.push("--remote may tell them apart".to_owned());
        }
        if self.question.at.spans.len() > 1 {
            reasons.push("clocks showed this time twice".to_owned());
        }
        if self.has_open() {
            reasons.push("one that is open may have ended without a record".to_owned());
        }
        if connections > 0 && !self.doubts.is_empty() {
            reasons.push("others may be missing".to_owned());
        }
        reasons.join("; ")
    }
}

impl Client {
    fn of(connection: &Connection) -> Self {
        Self {
            ip: connection.client.ip,
            network: connection.network.clone(),
        }
    }
}

fn distance_us(connection: &Connection, span: &Span) -> i64 {
    let before_us = connection.start_us.saturating_sub(span.until_us);
    let after_us = match connection.reason {
        Some(_) => span.from_us.saturating_sub(connection.end_us),
        None => 0,
    };
    before_us.max(after_us).max(0)
}
