//! A site's ClickHouse with the tables of contrib/clickhouse: it takes in the same lines, and `nat-acct who`
//! asks it the same questions. An answer that is not the store's fails the benchmark.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nat_acct_tests::{ClickHouse, processor, used};
use serde_json::Value;

use super::{
    Asked,
    load::{Loaded, PART},
    questions::{Question, Questions},
};
use crate::{bench::machine::cpu_to_measure_on, shipping};

const INSERT: &str = "INSERT INTO nat_acct_compact FORMAT JSONEachRow";
/// Lines of one insert, some 28 MB.
const BATCH: u64 = 100_000;
/// So long nothing was merged when merging is over: it looks for work every few seconds.
const QUIET: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(900);
const LOOK: Duration = Duration::from_secs(1);

/// Without the package there is nothing, which the page says.
pub fn ask(
    questions: &Questions,
    loaded: &Loaded,
    agent: &Path,
    dir: &Path,
) -> Result<Option<Asked>> {
    if let Err(error) = shipping::ensure_clickhouse() {
        println!("    not measured: {error:#}");
        return Ok(None);
    }
    println!("==> the same day and questions in ClickHouse");
    let dir = dir.join("clickhouse");
    fs::create_dir(&dir)?;
    let mut clickhouse = on_one_cpu(|| ClickHouse::with_tables(&dir))?;
    let imported = import(&clickhouse, loaded)?;
    let merged = merge(&clickhouse)?;
    let import_peak_bytes = peak_bytes(&clickhouse)?;
    let table = Table::of(&clickhouse)?;
    ensure!(
        table.records == loaded.records,
        "ClickHouse has {} records",
        table.records
    );
    // As a server that is only asked has it.
    clickhouse.stop()?;
    on_one_cpu(|| clickhouse.start())?;
    let warm_ms = questions
        .iter()
        .map(|question| answers_alike(question, loaded, agent, &clickhouse.url()));
    let warm_ms = warm_ms.collect::<Result<_>>()?;
    Ok(Some(Asked {
        name: "ClickHouse",
        version: table.version,
        imported,
        warm_ms,
        cold_ms: Vec::new(),
        peak_bytes: peak_bytes(&clickhouse)?,
        bytes_a_record: table.bytes as f64 / table.records as f64,
        remark: format!(
            "`nat-acct who --clickhouse`, the whole command; the server, in a Python process on one CPU, has \
             the memory. Inserts of {BATCH} lines, at most {:.0} MB; merging went on for {:.0} s, and \
             left {} parts",
            import_peak_bytes as f64 / 1e6,
            merged.as_secs_f64(),
            table.parts,
        ),
    }))
}

/// Asks the store, and ClickHouse twice: how long the second answer took, in milliseconds.
fn answers_alike(question: &Question, loaded: &Loaded, agent: &Path, url: &str) -> Result<f64> {
    let of_store = question.of_store(agent, &loaded.store);
    let of_clickhouse = question.of_clickhouse(agent, url);
    let [expect, answer] = [question.ask(&of_store)?, question.ask(&of_clickhouse)?];
    ensure!(
        answer.candidates == expect.candidates,
        "`{of_clickhouse}` answers {}, but `{of_store}` {}",
        answer.candidates,
        expect.candidates
    );
    Ok(question.ask(&of_clickhouse)?.took_ms)
}

/// What a thread starts has the processors of the thread.
fn on_one_cpu<T: Send>(start: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let starter = scope.spawn(|| {
            processor::stay_on(cpu_to_measure_on())?;
            start()
        });
        starter.join().expect("it does not panic")
    })
}

/// Records a second, of each part.
fn import(clickhouse: &ClickHouse, loaded: &Loaded) -> Result<Vec<f64>> {
    let mut zstd = Command::new("zstd")
        .arg("-dcq")
        .arg(&loaded.lines)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run zstd")?;
    let mut lines = BufReader::new(zstd.stdout.take().context("zstd has an output")?);
    let mut rates = Vec::new();
    loop {
        let (mut records, mut took) = (0, Duration::ZERO);
        while records < PART {
            let (batch, text) = next_batch(&mut lines)?;
            if batch == 0 {
                break;
            }
            let begun = Instant::now();
            clickhouse.insert(INSERT, &text)?;
            took += begun.elapsed();
            records += batch;
        }
        if records == 0 {
            break;
        }
        let rate = records as f64 / took.as_secs_f64();
        println!("    {rate:.0} records/s");
        rates.push(rate);
    }
    ensure!(zstd.wait()?.success(), "zstd failed");
    Ok(rates)
}

/// Lines, and how many they are.
fn next_batch(lines: &mut BufReader<ChildStdout>) -> Result<(u64, String)> {
    let mut text = String::new();
    for count in 0..BATCH {
        if lines.read_line(&mut text)? == 0 {
            return Ok((count, text));
        }
    }
    Ok((BATCH, text))
}

/// Waits until all is merged that ClickHouse merges by itself; how long it went on.
fn merge(clickhouse: &ClickHouse) -> Result<Duration> {
    let begun = Instant::now();
    let mut active = begun;
    while active.elapsed() < QUIET {
        if begun.elapsed() > LIMIT {
            bail!("ClickHouse merges for more than {LIMIT:?}");
        }
        thread::sleep(LOOK);
        let merges = clickhouse.rows("SELECT count() AS merges FROM system.merges", &[])?;
        if number(&merges, "merges")? > 0 {
            active = Instant::now();
        }
    }
    Ok(active - begun)
}

/// What it says of its table.
struct Table {
    version: String,
    records: u64,
    bytes: u64,
    parts: u64,
}

impl Table {
    fn of(clickhouse: &ClickHouse) -> Result<Self> {
        let rows = clickhouse.rows(
            "SELECT version() AS version, sum(rows) AS records, sum(bytes_on_disk) AS bytes, \
             count() AS parts FROM system.parts WHERE active AND table = 'nat_acct'",
            &[],
        )?;
        let version = rows.first().and_then(|row| row["version"].as_str());
        Ok(Self {
            version: version.context("ClickHouse tells no version")?.to_owned(),
            records: number(&rows, "records")?,
            bytes: number(&rows, "bytes")?,
            parts: number(&rows, "parts")?,
        })
    }
}

fn number(rows: &[Value], name: &str) -> Result<u64> {
    let row = rows.first().context("ClickHouse answers nothing")?;
    row[name].as_u64().with_context(|| format!("{row}"))
}

/// The most memory that the server has had.
fn peak_bytes(clickhouse: &ClickHouse) -> Result<u64> {
    let pid = clickhouse.pid().context("ClickHouse does not run")?;
    used::most_bytes(pid)
}
