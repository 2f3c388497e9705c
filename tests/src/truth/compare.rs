//! Truths beside records: each truth has exactly one record, each record has a
//! truth, and the cells of both agree.

use std::fmt;
use std::net::SocketAddr;

use super::{Count, Record, Truth};

/// A truth and its record.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// What was compared.
    pub cells: Vec<Cell>,
}

/// One value of both.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its name.
    pub name: &'static str,
    /// What the endpoints say.
    pub truth: String,
    /// What the record says.
    pub record: String,
    /// Whether that is the same.
    pub equal: bool,
}

impl Row {
    /// Whether all cells agree.
    #[must_use]
    pub fn equal(&self) -> bool {
        self.cells.iter().all(|cell| cell.equal)
    }

    /// The cell of this name.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.name == name)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)?;
        for Cell {
            name,
            truth,
            record,
            equal,
        } in &self.cells
        {
            let sign = if *equal { "=" } else { "≠" };
            write!(f, " | {name}: {truth} {sign} {record}")?;
        }
        Ok(())
    }
}

const NOTHING: &str = "-";

/// A row for each truth, then one for each record that no truth belongs to.
#[must_use]
pub fn compare(truths: &[Truth], records: &[Record]) -> Vec<Row> {
    let mut free: Vec<&Record> = records.iter().collect();
    let mut rows: Vec<(usize, Row)> = Vec::new();
    // A truth without a port takes what those with a port have left over.
    let (exact, vague): (Vec<_>, Vec<_>) = truths
        .iter()
        .enumerate()
        .partition(|(_, truth)| truth.client_port.is_some());
    for (place, truth) in exact.into_iter().chain(vague) {
        let belongs = |record: &&Record| belongs(truth, record);
        let agrees = |record: &&Record| belongs(record) && row(truth, Some(record)).equal();
        // A client may use a port again: of its records, the one that agrees.
        let found = free.iter().position(agrees);
        let found = found.or_else(|| free.iter().position(belongs));
        let record = found.map(|index| free.remove(index));
        rows.push((place, row(truth, record)));
    }
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter()
        .map(|(_, row)| row)
        .chain(free.into_iter().map(without_truth))
        .collect()
}

/// Each truth has its record, each record its truth, and all their cells agree.
///
/// # Panics
///
/// With the rows that differ, if there are any.
#[track_caller]
pub fn assert_equal(truths: &[Truth], records: &[Record]) {
    let rows = compare(truths, records);
    let differ: Vec<_> = rows.iter().filter(|row| !row.equal()).collect();
    let first = differ.iter().take(5).map(|row| row.to_string());
    let first: Vec<_> = first.collect();
    assert!(
        differ.is_empty(),
        "{} of {} differ:\n{}",
        differ.len(),
        rows.len(),
        first.join("\n")
    );
}

fn belongs(truth: &Truth, record: &Record) -> bool {
    record.remote == truth.remote
        && record.client.ip() == truth.client
        && truth
            .client_port
            .is_none_or(|port| port == record.client.port())
}

fn row(truth: &Truth, record: Option<&Record>) -> Row {
    let says = |what: fn(&Record) -> String| record.map_or(NOTHING.to_owned(), what);
    let holds = |test: &dyn Fn(&Record) -> bool| record.is_some_and(test);
    let cells = vec![
        Cell {
            name: "client",
            truth: endpoint(truth.client, truth.client_port),
            record: says(|record| record.client.to_string()),
            equal: record.is_some(),
        },
        Cell {
            name: "translated",
            truth: endpoint(truth.translated, truth.translated_port),
            record: says(|record| translated(record.translated)),
            equal: holds(&|record| is_translated(truth, record.translated)),
        },
        Cell {
            name: "remote",
            truth: truth.remote.to_string(),
            record: says(|record| record.remote.to_string()),
            equal: record.is_some(),
        },
        Cell {
            name: "sent",
            truth: truth.sent.to_string(),
            record: says(|record| record.stream_sent().to_string()),
            equal: holds(&|record| agrees(record, truth.sent, record.stream_sent())),
        },
        Cell {
            name: "received",
            truth: truth.received.to_string(),
            record: says(|record| record.stream_received().to_string()),
            equal: holds(&|record| agrees(record, truth.received, record.stream_received())),
        },
        Cell {
            name: "reason",
            truth: truth.reasons.join("|"),
            record: says(|record| record.reason.clone()),
            equal: holds(&|record| truth.reasons.contains(&record.reason.as_str())),
        },
    ];
    Row {
        label: truth.label.clone(),
        cells,
    }
}

fn without_truth(record: &Record) -> Row {
    let cell = |name, record: String| Cell {
        name,
        truth: NOTHING.to_owned(),
        record,
        equal: false,
    };
    Row {
        label: "nobody's".to_owned(),
        cells: vec![
            cell("client", record.client.to_string()),
            cell("translated", translated(record.translated)),
            cell("remote", record.remote.to_string()),
            cell("sent", record.stream_sent().to_string()),
            cell("received", record.stream_received().to_string()),
            cell("reason", record.reason.clone()),
        ],
    }
}

fn agrees(record: &Record, truth: Count, bytes: u64) -> bool {
    (!record.partial || truth.may_be_partial()) && truth.agrees(bytes)
}

fn is_translated(truth: &Truth, translated: Option<SocketAddr>) -> bool {
    translated.is_some_and(|address| {
        address.ip() == truth.translated
            && truth
                .translated_port
                .is_none_or(|port| port == address.port())
    })
}

fn translated(address: Option<SocketAddr>) -> String {
    address.map_or(NOTHING.to_owned(), |address| address.to_string())
}

fn endpoint(ip: std::net::IpAddr, port: Option<u16>) -> String {
    match port {
        Some(port) => SocketAddr::new(ip, port).to_string(),
        None if ip.is_ipv6() => format!("[{ip}]:any"),
        None => format!("{ip}:any"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::{Count, Volume};

    #[test]
    fn a_truth_without_a_port_takes_the_record_that_is_left() {
        let truths = [truth(None, Count::Unknown), truth(Some(2), Count::Exact(7))];
        let rows = compare(&truths, &[record(2, 7), record(1, 9)]);
        assert!(rows.iter().all(Row::equal), "{rows:#?}");
        assert_eq!(rows[0].cell("client").unwrap().record, "192.0.2.1:1");
    }

    #[test]
    fn a_missing_record_and_a_surplus_one_differ() {
        let rows = compare(&[truth(Some(1), Count::Exact(7))], &[record(2, 7)]);
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| !row.equal()));
    }

    #[test]
    fn one_byte_more_differs() {
        let rows = compare(&[truth(Some(1), Count::Exact(7))], &[record(1, 8)]);
        let unequal: Vec<_> = rows[0].cells.iter().filter(|cell| !cell.equal).collect();
        assert_eq!(unequal.len(), 1);
        assert_eq!(unequal[0].name, "sent");
    }

    fn truth(client_port: Option<u16>, sent: Count) -> Truth {
        Truth {
            label: String::new(),
            client: [192, 0, 2, 1].into(),
            client_port,
            remote: ([198, 51, 100, 1], 80).into(),
            translated: [203, 0, 113, 1].into(),
            translated_port: None,
            sent,
            received: Count::Exact(0),
            reasons: &["fin"],
        }
    }

    fn record(client_port: u16, sent: u64) -> Record {
        Record {
            client: ([192, 0, 2, 1], client_port).into(),
            translated: Some(([203, 0, 113, 1], 9).into()),
            remote: ([198, 51, 100, 1], 80).into(),
            inbound: false,
            ingress: None,
            egress: None,
            start: String::new(),
            end: String::new(),
            volume_sent: Volume::default(),
            volume_received: Volume::default(),
            sent,
            received: 0,
            retransmitted_sent: 0,
            retransmitted_received: 0,
            reason: "fin".to_owned(),
            matched: "sequence".to_owned(),
            partial: false,
        }
    }
}
