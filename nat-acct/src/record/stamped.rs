//! What is told of a connection, with wall-clock times and names of interfaces: what every format says in
//! its own words. It decides nothing about the connection; that is the engine's work.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Account, Compact, Ecs, Endpoint, Format, Identifier, Interface, Remotes, Run, Stage, Stamp,
    Totals,
};

/// The record of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The connection as the engine gave it.
    pub account: Account,
    /// The endpoint beyond the gateway, if it is to be told.
    pub remote: Option<Endpoint>,
    /// Identifies the connection for good: the same in all its records.
    pub id: Identifier,
    /// Counts the records of ends without a gap; other records have no number.
    pub sequence: Option<u64>,
    /// Whose numbers these are.
    pub run: Run,
    /// When the record was made.
    pub written: Timestamp,
    /// When the opening SYN was seen, in whole microseconds.
    pub start: Timestamp,
    /// When the last segment was seen, in whole microseconds, never before `start`.
    pub end: Timestamp,
    /// Name of the inside interface.
    pub inside: Arc<str>,
    /// Name of the interface on the remote's side, if the translated address is known.
    pub beyond: Option<Arc<str>>,
}

impl Record {
    /// The record of `account`, with times and names by `stamp`.
    pub fn new(
        account: &Account,
        sequence: Option<u64>,
        written: Timestamp,
        stamp: &Stamp,
    ) -> Self {
        let start = stamp.wall_clock(account.start_ns);
        let remote = match stamp.remotes() {
            Remotes::Told => Some(account.remote),
            Remotes::LeftOut => None,
        };
        Self {
            account: *account,
            remote,
            id: Identifier::of(account, remote, stamp.source()),
            sequence,
            run: stamp.run(),
            written,
            start,
            end: stamp.wall_clock(account.end_ns).max(start),
            inside: stamp.name(Interface::Inside(account.inside)),
            beyond: account
                .translated
                .map(|translated| stamp.name(translated.interface)),
        }
    }

    /// From the first segment to the last, in whole microseconds.
    pub fn duration_us(&self) -> u64 {
        let duration_us = self.end.as_microsecond() - self.start.as_microsecond();
        // `new` puts the end behind the start.
        duration_us.unsigned_abs()
    }

    /// What was counted until `end`; of a connection that has just started, nothing is told.
    pub(super) fn counted(&self) -> Option<Totals> {
        match self.account.stage {
            Stage::Started => None,
            Stage::Open | Stage::Ended(_) => Some(self.account.totals),
        }
    }

    /// Puts the record as JSON in place of the line before: one line without its end, bytes of UTF-8.
    pub fn put_line(&self, format: Format, line: &mut Vec<u8>) {
        line.clear();
        match format {
            Format::Ecs => serde_json::to_writer(line, &Ecs::from(self)),
            Format::Compact => serde_json::to_writer(line, &Compact::from(self)),
        }
        .expect("a record is made of strings and numbers under fixed names");
    }

    /// The same as text.
    pub fn to_json(&self, format: Format) -> String {
        let mut line = Vec::new();
        self.put_line(format, &mut line);
        String::from_utf8(line).expect("JSON is UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Direction, End, Match, Translated};

    #[test]
    fn the_same_connection_has_the_same_id_whatever_the_clock_shows() {
        let record = |sequence, offset_ns: i128, boot_id| {
            let stamp = Stamp::new(offset_ns, &["br0"], &["eth1"]).of_boot(boot_id);
            Record::new(&closed(), Some(sequence), stamp.wall_clock(0), &stamp)
        };
        let first = record(1, 0, 7);
        let again = record(2, 1_795_340_540_615_902_999, 7);
        assert_eq!(first.id, again.id);
        assert_ne!(first.start, again.start);
        assert_ne!(first.id, record(1, 0, 8).id);
        assert_eq!(first.beyond.as_deref(), Some("eth1"));
    }

    #[test]
    fn the_duration_is_the_difference_of_the_printed_times() {
        let stamp = Stamp::new(1, &["br0"], &["eth1"]);
        let record = Record::new(&closed(), Some(1), Timestamp::UNIX_EPOCH, &stamp);
        assert_eq!(record.start.to_string(), "1970-01-01T00:00:00.005Z");
        assert_eq!(record.end.to_string(), "1970-01-01T00:00:00.007001Z");
        assert_eq!(record.duration_us(), 2_001);
    }

    #[test]
    fn an_end_before_the_start_is_no_negative_duration() {
        let backwards = Account {
            end_ns: 1,
            ..closed()
        };
        let stamp = Stamp::new(0, &["br0"], &["eth1"]);
        let record = Record::new(&backwards, Some(1), Timestamp::UNIX_EPOCH, &stamp);
        assert_eq!(record.duration_us(), 0);
    }

    fn closed() -> Account {
        let endpoint = |last, port| Endpoint {
            ip: [192, 0, 2, last].into(),
            port,
        };
        Account {
            slot: 1,
            identity: 1,
            start_ns: 5_000_000,
            end_ns: 7_001_998,
            stage: Stage::Ended(End::Fin),
            direction: Direction::Outbound,
            client: endpoint(1, 54054),
            remote: endpoint(2, 22),
            translated: Some(Translated {
                endpoint: endpoint(3, 61002),
                interface: Interface::Outside(0),
            }),
            matched: Match::Sequence,
            totals: Totals::default(),
            partial: false,
            inside: 0,
            vlans: [0; 2],
        }
    }
}
