//! Connections of a day, and who was there at a time, found without a store: by looking at all of them.

use std::{collections::BTreeSet, net::Ipv4Addr};

use nat_acct::record::{Endpoint, Format, Interface, Record, Stage, Translated};

use crate::{common, scratch::Scratch};

/// 2026-11-22T09:42:20Z, from which the times of the test's records are counted, is 0 s here.
const ORIGIN_NS: u64 = 20_615_902_123;
const CLIENTS: u64 = 50;
const PORTS: u16 = 40;

/// `count` connections from `first` on, begun a second or so after each other, with lives from 20 ms to
/// 12 h, in the order of their ends.
pub fn connections(first: u64, count: u64) -> Vec<Record> {
    let mut all: Vec<_> = (first..first + count).map(connection).collect();
    all.sort_by_key(|account| account.end_ns);
    let numbered = all.iter().zip(0..);
    numbered
        .map(|(account, number)| common::record(account, number))
        .collect()
}

fn connection(number: u64) -> nat_acct::record::Account {
    let mut word = scramble(number);
    let mut draw = |below: u64| {
        word = scramble(word);
        word % below
    };
    let start_ns = ORIGIN_NS + number * 1_000_000_000 + draw(1_000_000_000);
    // Each power of two between 20 ms and 12 h is as frequent as the others.
    let life_ns = (20_000_000 << draw(21)) + draw(20_000_000);
    nat_acct::record::Account {
        identity: number,
        start_ns,
        end_ns: start_ns + life_ns,
        client: endpoint([10, 0, 0, draw(CLIENTS) as u8], 1024 + draw(60_000) as u16),
        translated: Some(Translated {
            endpoint: endpoint(
                [203, 0, 113, draw(4) as u8],
                1024 + draw(PORTS.into()) as u16,
            ),
            interface: Interface::Outside(0),
        }),
        remote: endpoint([198, 51, 100, draw(200) as u8], 443),
        ..common::worked_example()
    }
}

fn endpoint(ip: [u8; 4], port: u16) -> Endpoint {
    Endpoint {
        ip: Ipv4Addr::from(ip).into(),
        port,
    }
}

fn scramble(word: u64) -> u64 {
    let word = (word ^ word >> 30 ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

pub fn lines(records: &[Record], format: Format) -> String {
    let lines = records.iter().map(|record| record.to_json(format) + "\n");
    lines.collect()
}

fn translated(record: &Record) -> Endpoint {
    record.account.translated.unwrap().endpoint
}

/// The identifiers of those that had an endpoint at a time.
fn truth(records: &[Record], asked: Endpoint, time_us: i64) -> BTreeSet<String> {
    let there = records.iter().filter(|record| {
        let life = record.start.as_microsecond()..=record.end.as_microsecond();
        translated(record) == asked && life.contains(&time_us)
    });
    there.map(|record| record.id.to_string()).collect()
}

#[test]
fn each_answer_has_all_that_were_there_and_no_other() {
    let scratch = Scratch::new("day");
    let records = connections(0, 30_000);
    scratch.write("day.jsonl", &lines(&records, Format::Compact));
    scratch.import("day.jsonl");
    assert_eq!(scratch.count(), 30_000);
    for (number, record) in records.iter().step_by(600).enumerate() {
        assert!(matches!(record.account.stage, Stage::Ended(_)));
        let middle_us = record
            .start
            .as_microsecond()
            .midpoint(record.end.as_microsecond());
        let asked = translated(record);
        let words = format!(
            "who {}:{} --at {}.{:06} --json --{}",
            asked.ip,
            asked.port,
            middle_us / 1_000_000,
            middle_us % 1_000_000,
            if number < 48 {
                "store s"
            } else {
                "from day.jsonl"
            },
        );
        let ended = scratch.run(&words);
        let answer: serde_json::Value = serde_json::from_str(&ended.said).unwrap();
        let candidates = answer["candidates"].as_array().unwrap().iter();
        let found: BTreeSet<_> = candidates
            .map(|candidate| candidate["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, truth(&records, asked, middle_us), "{words}");
        assert!(found.contains(&record.id.to_string()), "{words}");
        assert_eq!(ended.status, Some(0), "{words}");
    }
}
