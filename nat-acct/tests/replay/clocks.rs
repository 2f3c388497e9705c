//! Captures from two hosts, whose clocks differ.

use serde_json::Value;

use crate::{
    program::{Directory, Replayed},
    traffic::{From, SYN, Side, Sighting, Talk, sorted, talk, whole},
    writers::PCAP,
};

const SECOND: i64 = 1_000_000_000;

#[test]
fn some_seconds_change_no_record() {
    let same = replay(0, "");
    assert_eq!(same.records.len(), 40);
    for ahead_ns in [-29 * SECOND / 10, -SECOND, -1, 1, SECOND, 29 * SECOND / 10] {
        assert_eq!(replay(ahead_ns, ""), same, "{ahead_ns}");
    }
}

#[test]
fn more_is_said_and_nothing_is_made_up() {
    for (ahead_s, said) in [(3_600, "3600.000 s ahead of"), (-20, "20.000 s behind")] {
        let replayed = replay(ahead_s * SECOND, "");
        let line = format!("the clock of the outside captures is {said} that of the inside");
        replayed.line(&line);
        assert_eq!(replayed.records.len(), 40);
        let is_unmatched = |record: &Value| record["nat_acct"]["match"] != "sequence";
        assert!(replayed.records.iter().all(is_unmatched));
    }
}

#[test]
fn the_slack_may_be_larger() {
    let same = replay(0, "--clock-slack 1h");
    assert_eq!(replay(3_599 * SECOND, "--clock-slack 1h"), same);
    assert_eq!(replay(-3_599 * SECOND, "--clock-slack 1h"), same);
}

/// Two clients with the same initial sequence number to the same remote, a second apart: their
/// order is a proof only where there is one clock.
#[test]
fn the_order_is_no_proof_with_two_clocks() {
    let first = opening(5000);
    let mut second = opening(5001);
    for sighting in &mut second.sightings {
        sighting.time_ns += SECOND as u64;
    }
    let sightings = sorted([first, second]);
    let matched = |options: &str| -> Vec<Value> {
        let replayed = replay_of(&sightings, 0, options);
        let matched = |record: &Value| record["nat_acct"]["match"].clone();
        replayed.records.iter().map(matched).collect()
    };
    assert_eq!(matched("--clock-slack 0s"), ["sequence", "sequence"]);
    assert_eq!(matched(""), ["ambiguous", "ambiguous"]);
}

fn opening(port: u16) -> Talk {
    let mut talk = talk(port);
    talk.sent = 1;
    talk.say(From::Client, SYN, 0);
    talk
}

/// Connections of a tenth of a second, over some twenty seconds.
fn replay(ahead_ns: i64, options: &str) -> Replayed {
    let talks = (5000..5040).map(|port| {
        let mut talk = whole(port);
        for sighting in &mut talk.sightings {
            sighting.time_ns += u64::from(port - 5000) * SECOND as u64 / 2;
        }
        talk
    });
    replay_of(&sorted(talks), ahead_ns, options)
}

fn replay_of(sightings: &[Sighting], ahead_ns: i64, options: &str) -> Replayed {
    let mut shifted = sightings.to_vec();
    for sighting in &mut shifted {
        sighting.time_ns = sighting.time_ns.saturating_add_signed(ahead_ns);
    }
    let pcap = crate::writers::Pcap {
        nanoseconds: true,
        ..PCAP
    };
    let directory = Directory::new()
        .with("br0", &pcap.file(sightings, Side::Inside))
        .with("eth1", &pcap.file(&shifted, Side::Outside));
    directory.replay(&format!("--inside br0 --outside eth1 {options}"))
}
