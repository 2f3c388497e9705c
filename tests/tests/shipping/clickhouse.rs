//! ClickHouse with the tables and the question of contrib/clickhouse.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::{ClickHouse, Random, agent};
use serde_json::Value;

use crate::connections::{Connection, Question};
use crate::directory::Directory;
use crate::faults::{Reads, Receiver, Side, every_record_arrives};
use crate::output::Output;
use crate::programs::contrib;
use crate::syslog_ng::{SyslogNg, to_clickhouse};

const ECS: &str = "INSERT INTO nat_acct_ecs FORMAT JSONEachRow";
const COMPACT: &str = "INSERT INTO nat_acct_compact FORMAT JSONEachRow";
const EVERYTHING: &str = "SELECT DISTINCT *, written FROM nat_acct ORDER BY ALL";
const ONE_SECOND_US: i64 = 1_000_000;

#[test]
#[ignore = "half a gigabyte of ClickHouse: cargo xtask test --shipping"]
fn both_formats_give_the_same_rows() -> Result<()> {
    let clickhouse = with_tables("clickhouse-formats")?;
    let [ecs, compact] = [
        include_str!("../../../nat-acct/tests/golden/ecs.jsonl"),
        include_str!("../../../nat-acct/tests/golden/compact.jsonl"),
    ];
    clickhouse.insert(ECS, ecs)?;
    let rows = clickhouse.rows(EVERYTHING, &[])?;
    // One is the start of a connection of which an update came, too, which takes its place.
    assert_eq!(rows.len(), ecs.lines().count() - 1);
    clickhouse.query("TRUNCATE TABLE nat_acct")?;
    clickhouse.insert(COMPACT, compact)?;
    assert_eq!(clickhouse.rows(EVERYTHING, &[])?, rows);
    let example = &rows
        .iter()
        .find(|row| row["sequence"] == 42)
        .context("no example")?;
    for (column, value) in [
        ("translated_ip", "::ffff:129.125.14.80".into()),
        ("translated_port", 61002.into()),
        ("client_ip", "::ffff:192.168.17.11".into()),
        ("client_port", 54054.into()),
        ("remote_ip", "::ffff:129.125.14.81".into()),
        ("remote_port", 22.into()),
        ("started", "2026-11-22 09:42:20.615902".into()),
        ("ended", "2026-11-22 09:43:22.763857".into()),
        ("written", "2026-11-22 09:43:23.731605".into()),
        ("sent", 3324.into()),
        ("received_ip_bytes", Value::from(5108)),
        ("reason", "fin".into()),
        ("beyond", "eth1".into()),
    ] {
        assert_eq!(example[column], value, "{column}");
    }
    Ok(())
}

#[test]
#[ignore = "half a gigabyte of ClickHouse: cargo xtask test --shipping"]
fn what_is_no_record_of_this_format_is_refused() -> Result<()> {
    let clickhouse = with_tables("clickhouse-refused")?;
    for (insert, other) in [
        (
            ECS,
            include_str!("../../../nat-acct/tests/golden/compact.jsonl"),
        ),
        (
            COMPACT,
            include_str!("../../../nat-acct/tests/golden/ecs.jsonl"),
        ),
        (ECS, "{}"),
        (COMPACT, "{}"),
    ] {
        for line in other.lines() {
            assert!(
                clickhouse.insert(insert, line).is_err(),
                "{insert} took {line}"
            );
        }
    }
    assert_eq!(clickhouse.rows(EVERYTHING, &[])?, [] as [Value; 0]);
    Ok(())
}

#[test]
#[ignore = "half a gigabyte of ClickHouse: cargo xtask test --shipping"]
fn who_names_all_whose_connection_covered_the_time_and_nobody_else() -> Result<()> {
    let clickhouse = with_tables("clickhouse-who")?;
    let mut random = Random::seeded();
    let all: Vec<_> = (0..3_000)
        .map(|number| Connection::draw(number, &mut random))
        .collect();
    let (mut ecs, mut compact) = (String::new(), String::new());
    for (number, connection) in all.iter().enumerate() {
        for record in connection.records() {
            // Most come once, some twice, and some in both formats.
            if number % 3 < 2 {
                writeln!(ecs, "{}", record.0)?;
            }
            if number % 3 > 0 {
                writeln!(compact, "{}", record.1)?;
            }
        }
    }
    for (insert, lines) in [(ECS, &ecs), (COMPACT, &compact), (ECS, &ecs)] {
        clickhouse.insert(insert, lines)?;
    }
    let mut found = 0;
    for number in 0..120 {
        let asked = &all[random.below(all.len() as u64) as usize];
        let question = Question {
            address: asked.translated.0,
            port: if number % 10 == 0 {
                0
            } else {
                asked.translated.1
            },
            at_us: asked.some_time(&mut random),
            within_us: [0, ONE_SECOND_US, 3600 * ONE_SECOND_US][number % 3],
        };
        let mut truth: Vec<_> = all
            .iter()
            .filter_map(|connection| Some((connection.away_us(&question)?, connection)))
            .collect();
        truth
            .sort_by_key(|(away, connection)| (*away, -connection.start_us, connection.id.clone()));
        let truth: Vec<_> = truth
            .into_iter()
            .map(|(_, connection)| named(connection))
            .collect();
        let answer = who(&clickhouse, &question)?;
        let answer: Vec<_> = answer.iter().map(answered).collect::<Result<_>>()?;
        assert_eq!(answer, truth, "{question:?}");
        let command = who_by_command(&clickhouse, &question)?;
        let truth: BTreeSet<_> = truth.iter().map(|named| named.0.as_str()).collect();
        let command: BTreeSet<_> = command.iter().map(String::as_str).collect();
        assert_eq!(command, truth, "{question:?}");
        found += truth.len();
    }
    assert!(found > 500, "only {found} candidates");
    Ok(())
}

#[test]
#[ignore = "half a gigabyte of ClickHouse: cargo xtask test --shipping"]
fn every_record_comes_through_syslog_ng() -> Result<()> {
    let mut clickhouse = with_tables("clickhouse-syslog-ng")?;
    let dir = Directory::make("syslog-ng-clickhouse")?;
    let mut output = Output::create(dir.path())?;
    let mut syslog_ng = SyslogNg::start(dir.path(), &to_clickhouse(&dir, clickhouse.port())?)?;
    every_record_arrives(Reads::Rotated, &mut output, &mut syslog_ng, &mut clickhouse)?;
    syslog_ng.stop()
}

fn with_tables(name: &str) -> Result<ClickHouse> {
    ClickHouse::with_tables(Directory::make(name)?.path())
}

fn who(clickhouse: &ClickHouse, question: &Question) -> Result<Vec<Value>> {
    clickhouse.rows(
        &contrib("clickhouse/who.sql", &[])?,
        &[
            ("param_address", &question.address.to_string()),
            ("param_port", &question.port.to_string()),
            ("param_at", &seconds(question.at_us)),
            ("param_within", &seconds(question.within_us)),
            ("param_remote_ip", "::"),
            ("param_remote_port", "0"),
        ],
    )
}

/// The connections that `nat-acct who` names.
fn who_by_command(clickhouse: &ClickHouse, question: &Question) -> Result<Vec<String>> {
    let asked = SocketAddr::new(question.address, question.port);
    let done = Command::new(agent::binary()?)
        .args(["who", &asked.to_string(), "--json"])
        .args(["--at", &seconds(question.at_us)])
        .args(["--within", &format!("{}us", question.within_us)])
        .args(["--clickhouse", &clickhouse.url()])
        .output()?;
    let said: Value = serde_json::from_slice(&done.stdout)
        .with_context(|| String::from_utf8_lossy(&done.stderr).into_owned())?;
    let candidates = said["candidates"].as_array().context("no candidates")?;
    // It names who it finds, and never claims that there is nobody.
    let expect = if candidates.is_empty() { 3 } else { 0 };
    ensure!(done.status.code() == Some(expect), "{said}");
    let id = |candidate: &Value| candidate["id"].as_str().map(str::to_owned);
    candidates
        .iter()
        .map(id)
        .collect::<Option<_>>()
        .context("no id")
}

impl Side for ClickHouse {
    fn start(&mut self) -> Result<()> {
        self.start()
    }

    fn stop(&mut self) -> Result<()> {
        self.stop()
    }
}

impl Receiver for ClickHouse {
    fn records(&self) -> Result<usize> {
        let rows = self.rows("SELECT uniqExact(id) AS records FROM nat_acct", &[])?;
        Ok(rows[0]["records"]
            .as_u64()
            .context("no number")?
            .try_into()?)
    }

    /// The rows are those of the records themselves.
    fn check(&self, written: &BTreeMap<String, String>) -> Result<()> {
        let arrived = self.rows(EVERYTHING, &[])?;
        self.query("TRUNCATE TABLE nat_acct")?;
        let lines = written.values().map(|line| format!("{line}\n"));
        self.insert(ECS, &lines.collect::<String>())?;
        ensure!(self.rows(EVERYTHING, &[])? == arrived, "rows differ");
        Ok(())
    }
}

/// A connection as the question names it.
type Named = (String, String, u64, u64);

fn seconds(us: i64) -> String {
    format!("{}.{:06}", us / ONE_SECOND_US, us % ONE_SECOND_US)
}

fn named(connection: &Connection) -> Named {
    let (ip, port) = connection.client;
    let translated = connection.translated.1;
    (
        connection.id.clone(),
        ip.to_string(),
        port.into(),
        translated.into(),
    )
}

fn answered(row: &Value) -> Result<Named> {
    let text = |name: &str| row[name].as_str().map(str::to_owned).context("no text");
    let number = |name: &str| row[name].as_u64().context("no number");
    Ok((
        text("id")?,
        text("client_ip")?,
        number("client_port")?,
        number("translated_port")?,
    ))
}
