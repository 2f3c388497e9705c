//! What is read back from a line is what was written, in both formats.

mod common;

use std::sync::Arc;

use nat_acct::record::{Connection, Format, Network, Record, Stage, Told, Totals, read};

const FORMATS: [Format; 2] = [Format::Ecs, Format::Compact];

#[test]
fn records_are_read_as_they_were_written() {
    for record in common::all_records().into_iter().chain(common::golden()) {
        for format in FORMATS {
            let line = record.to_json(format);
            let told = read(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(told, expected(&record), "{line}");
        }
    }
}

#[test]
fn shippers_may_add_fields_and_change_their_order() {
    for format in FORMATS {
        let record = common::record(&common::port_forward(), 7);
        let line = record.to_json(format);
        let more = format!(r#"{{"host":{{"name":"gw"}},"tags":["a"],{}"#, &line[1..]);
        let sorted: serde_json::Value = line.parse().unwrap();
        for line in [more, sorted.to_string()] {
            assert_eq!(read(line.as_bytes()).unwrap(), expected(&record), "{line}");
        }
    }
}

#[test]
fn what_is_no_record_says_why() {
    refuse(
        "",
        "no record: EOF while parsing a value at line 1 column 0",
    );
    refuse("{}", "no record: missing field `id` at line 1 column 2");
    for format in FORMATS {
        let line = common::record(&common::worked_example(), 1).to_json(format);
        for length in 0..line.len() {
            assert!(
                read(&line.as_bytes()[..length]).is_err(),
                "{}",
                &line[..length]
            );
        }
        let wrong = line.replace("54054", "65536");
        assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        let unknown = line.replace("\"fin\"", "\"end\"");
        assert!(read(unknown.as_bytes()).is_err(), "{unknown}");
    }
}

fn refuse(line: &str, expect: &str) {
    assert_eq!(read(line.as_bytes()).unwrap_err().to_string(), expect);
}

fn expected(record: &Record) -> Told {
    let account = &record.account;
    let (end, totals) = match account.stage {
        Stage::Started => (record.start, Totals::default()),
        Stage::Open | Stage::Ended(_) => (record.end, account.totals),
    };
    Told {
        run: record.run,
        sequence: record.sequence,
        kind: account.stage.into(),
        written_us: record.written.as_microsecond(),
        connection: Connection {
            id: record.id,
            start_us: record.start.as_microsecond(),
            end_us: end.as_microsecond(),
            reason: account.end().map(Into::into),
            opened: account.direction.into(),
            client: account.client,
            network: Some(Arc::new(Network {
                interface: record.inside.to_string(),
                vlans: match account.vlans {
                    [_, 0] => None,
                    [0, inner] => Some(inner.to_string()),
                    [outer, inner] => Some(format!("{outer}.{inner}")),
                },
            })),
            translated: account.translated.map(|translated| translated.endpoint),
            remote: record.remote,
            sent_bytes: totals.sent.payload_bytes,
            received_bytes: totals.received.payload_bytes,
            matched: account.matched.into(),
            partial: account.stage != Stage::Started && account.partial,
        },
    }
}
