//! Figures for tests.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Connections, Figures, Interface, Log, Output, Recent, Table, Volume};

/// Of an agent with which all is well.
pub(in crate::agent) fn of_a_day() -> Figures {
    let interface = |name: &str, side: &str| Interface {
        name: name.to_owned(),
        side: side.to_owned(),
        hook: Some("tcx".to_owned()),
        trouble: None,
        hides_packets: false,
        flowtables: Vec::new(),
    };
    Figures {
        version: "1.2.3".to_owned(),
        now: Timestamp::from_second(100_000).expect("a time"),
        started: Timestamp::from_second(50_000).expect("a time"),
        counting_since: Timestamp::from_second(10_000).expect("a time"),
        lives_on: true,
        interfaces: vec![interface("eth1", "outside"), interface("br0", "inside")],
        connections: Connections {
            adopted: 1,
            opened: 10,
            open: 4,
            ended: BTreeMap::from([("fin".to_owned(), 6), ("rst".to_owned(), 1)]),
            matched: BTreeMap::from([("sequence".to_owned(), 5)]),
            unmatched: BTreeMap::from([("blocked".to_owned(), 2)]),
            partial: 0,
            stray_openings: 0,
            resets_refuted: 0,
            outside_unmatched: 0,
        },
        sent: Volume::default(),
        received: Volume::default(),
        causes: BTreeMap::new(),
        table: Table {
            slots: 100,
            used: 4,
            half_open_limit: 50,
            half_open: 1,
            sweeps: 9,
            found_by_sweep: 0,
            sweep_seconds: 0.5,
            sweep_longest_part_seconds: 0.001,
        },
        output: Output {
            to: "standard output".to_owned(),
            made: 7,
            written: 7,
            waiting: 0,
            lag_seconds: 0.25,
            errors: 0,
            failing: None,
            rotations: 0,
            starts_left_out: 0,
            updates_left_out: 0,
        },
        log: Log::default(),
        recent: Recent {
            seconds: 60.0,
            opened: 6,
            ended: 5,
            written: 5,
            not_taken: 0,
        },
    }
}
