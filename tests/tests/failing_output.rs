//! Outputs that take no records for a while, or not at all: a full disk, a
//! directory that is gone, a reader that has stopped. Nothing is lost that
//! could be kept, no line is broken, and what is lost is counted.

use std::fs;
use std::io::{PipeReader, PipeWriter, Read, pipe};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::truth::{Truth, assert_numbered, assert_same};
use nat_acct_tests::{Agent, Background, Lab, Ns, agent, in_a_lab, wait_until};
use nix::sys::signal::Signal;

const LONG: Duration = Duration::from_secs(120);
/// Some megabyte of records, which is far more than a pipe takes.
const CONNECTIONS: usize = 1_000;
/// More than fit into a pipe of 64 KiB.
const IN_A_PIPE: usize = 150;

#[test]
fn a_full_disk_that_is_emptied_later_costs_no_record() -> Result<()> {
    in_a_lab(|lab| {
        let disk = lab.disk(4 << 20)?;
        let nginx = Nginx::start(lab)?;
        // Room for some records, and no whole number of them.
        disk.fill_up(100_000)?;
        let agent = Agent::start_to(lab, &disk.dir().join("records.jsonl"))?;

        let truths = fetch(lab, &nginx, CONNECTIONS)?;
        wait_for_line(&|| agent.log(), "No space left on device")?;
        let there = agent.records()?.len();
        assert!(there < CONNECTIONS, "the disk was never full");

        disk.make_room()?;
        agent.wait_for_records(truths.len(), LONG)?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        complete(&truths, &stopped.records)?;
        said_once_each_way(&stopped.log, "No space left on device");
        Ok(())
    })
}

#[test]
fn a_directory_that_is_gone_costs_no_record_that_was_not_in_it() -> Result<()> {
    in_a_lab(|lab| {
        let dir = lab.dir().join("records");
        fs::create_dir(&dir)?;
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start_to(lab, &dir.join("records.jsonl"))?;
        fs::remove_dir_all(&dir)?;

        let truths = fetch(lab, &nginx, CONNECTIONS)?;
        wait_for_line(&|| agent.log(), "No such file or directory")?;
        fs::create_dir(&dir)?;
        agent.wait_for_records(truths.len(), LONG)?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        complete(&truths, &stopped.records)?;
        said_once_each_way(&stopped.log, "No such file or directory");
        Ok(())
    })
}

#[test]
fn a_reader_that_stops_for_a_while_costs_no_record() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let (mut reader, writer) = pipe()?;
        let mut agent = start_into(lab, writer, &[])?;
        let truths = fetch(lab, &nginx, CONNECTIONS)?;
        // The loop is not held up, or it could not say so.
        wait_for_line(&|| agent.stderr(), "takes no records")?;

        // Reads on, until the agent has ended.
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        wait_for_line(&|| agent.stderr(), "takes records again")?;
        let status = agent.terminate()?;
        assert!(status.success(), "{}", agent.stderr());
        let text = reading.join().expect("the reader")?;
        complete(&truths, &agent::parse(&text)?)?;
        said_once_each_way(&agent.stderr(), "takes no records");
        Ok(())
    })
}

#[test]
fn at_the_end_a_reader_that_has_stopped_is_waited_for_and_then_given_up() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let (reader, writer) = pipe()?;
        let mut agent = start_into(lab, writer, &[])?;
        let truths = fetch(lab, &nginx, CONNECTIONS)?;
        agent.signal(Signal::SIGTERM)?;
        let status = agent.wait(LONG)?;

        let log = agent.stderr();
        assert_eq!(status.code(), Some(1), "{log}");
        let records = agent::parse(&rest(reader)?)?;
        assert_numbered(&records);
        assert!(!records.is_empty(), "a pipe takes some");
        assert_eq!(records.len() + unwritten(&log)?, truths.len(), "{log}");
        assert!(log.contains("standard output takes no records"), "{log}");
        Ok(())
    })
}

/// As when the terminal is closed.
#[test]
fn with_standard_output_sighup_ends_it_with_all_records() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let (reader, writer) = pipe()?;
        let mut agent = start_into(lab, writer, &["--linger", "30s"])?;
        let truths = fetch(lab, &nginx, 10)?;
        agent.signal(Signal::SIGHUP)?;
        let status = agent.wait(LONG)?;
        assert!(status.success(), "{}", agent.stderr());
        complete(&truths, &agent::parse(&rest(reader)?)?)
    })
}

#[test]
fn at_the_end_a_full_disk_holds_whole_lines() -> Result<()> {
    in_a_lab(|lab| {
        let disk = lab.disk(4 << 20)?;
        let nginx = Nginx::start(lab)?;
        disk.fill_up(100_000)?;
        let agent = Agent::start_to(lab, &disk.dir().join("records.jsonl"))?;
        let truths = fetch(lab, &nginx, CONNECTIONS)?;
        wait_for_line(&|| agent.log(), "No space left on device")?;

        let output = agent.output().to_owned();
        let stopped = agent.stop()?;
        assert_eq!(stopped.status.code(), Some(1), "{}", stopped.log);
        assert!(ends_with_a_line(&output)?);
        assert_numbered(&stopped.records);
        let lost = unwritten(&stopped.log)?;
        assert_eq!(
            stopped.records.len() + lost,
            truths.len(),
            "{}",
            stopped.log
        );
        Ok(())
    })
}

#[test]
fn at_the_end_a_directory_that_is_gone_has_every_record_counted() -> Result<()> {
    in_a_lab(|lab| {
        let dir = lab.dir().join("records");
        fs::create_dir(&dir)?;
        let nginx = Nginx::start(lab)?;
        let agent = Agent::start_to(lab, &dir.join("records.jsonl"))?;
        fs::remove_dir_all(&dir)?;
        let truths = fetch(lab, &nginx, CONNECTIONS)?;
        wait_for_line(&|| agent.log(), "No such file or directory")?;
        let stopped = agent.stop()?;
        assert_eq!(stopped.status.code(), Some(1), "{}", stopped.log);
        assert_eq!(unwritten(&stopped.log)?, truths.len(), "{}", stopped.log);
        Ok(())
    })
}

/// What waits keeps its place in the kernel's tables, and when these are full,
/// new connections are counted.
#[test]
fn what_waits_is_bounded_and_what_does_not_fit_is_counted() -> Result<()> {
    const TABLE: usize = 4_000;
    const ALL: usize = 3 * TABLE;
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let (mut reader, writer) = pipe()?;
        let args = ["--linger", "0s", "--max-connections", &TABLE.to_string()];
        let mut agent = start_into(lab, writer, &args)?;
        let truths = fetch(lab, &nginx, ALL)?;
        wait_for_line(&|| agent.stderr(), "takes no records")?;
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        wait_for_line(&|| agent.stderr(), "takes records again")?;
        let status = agent.terminate()?;
        let log = agent.stderr();
        assert!(status.success(), "{log}");
        let records = agent::parse(&reading.join().expect("the reader")?)?;
        assert_numbered(&records);
        let kept = TABLE + IN_A_PIPE;
        assert!(
            (TABLE..=kept).contains(&records.len()),
            "{} were kept",
            records.len()
        );
        // SYNs are counted, so one that was sent twice counts twice.
        let missing = truths.len() - records.len();
        assert!(missing <= not_taken_on(&log)?, "{missing} missing: {log}");
        Ok(())
    })
}

fn fetch(lab: &Lab, nginx: &Nginx, connections: usize) -> Result<Vec<Truth>> {
    http::fetch_many(lab, nginx, &Fetches::small(connections))
}

/// The agent with this pipe as its standard output.
fn start_into(lab: &Lab, stdout: PipeWriter, args: &[&str]) -> Result<Background> {
    let mut command = lab.command(Ns::Gateway, agent::binary()?);
    command
        .args(["run", "--inside", "br0", "--outside", "eth1"])
        .args(args);
    let agent = Background::start_into(command, stdout, lab.dir(), "piped")?;
    wait_for_line(&|| agent.stderr(), "attached")?;
    Ok(agent)
}

fn wait_for_line(log: &dyn Fn() -> String, words: &str) -> Result<()> {
    let what = format!("{words:?} in the log");
    wait_until(LONG, &what, || Ok(log().contains(words).then_some(())))
        .with_context(|| format!("the agent says:\n{}", log()))
}

fn complete(truths: &[Truth], records: &[serde_json::Value]) -> Result<()> {
    assert_numbered(records);
    assert_same(truths, &agent::closing(records)?);
    Ok(())
}

fn said_once_each_way(log: &str, trouble: &str) {
    let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!(count(trouble), 1, "{log}");
    assert_eq!(count("takes records again"), 1, "{log}");
}

fn rest(mut reader: PipeReader) -> Result<String> {
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    Ok(text)
}

fn ends_with_a_line(path: &Path) -> Result<bool> {
    Ok(fs::read(path)?.ends_with(b"\n"))
}

/// The number in "nat-acct: error: N records could not be written: …".
fn unwritten(log: &str) -> Result<usize> {
    let (_, rest) = log
        .split_once("nat-acct: error: ")
        .context(log.to_owned())?;
    let (count, _) = rest
        .split_once(" records could not be written")
        .context(log.to_owned())?;
    Ok(count.parse()?)
}

/// The last total of connections for which there was no room in the table.
fn not_taken_on(log: &str) -> Result<usize> {
    let mut totals = log.lines().rev();
    let last = totals.find(|line| line.contains("table_full"));
    let last = last.context(log.to_owned())?;
    let (_, total) = last.rsplit_once("total=").context(last.to_owned())?;
    let digits = total.split(|c: char| !c.is_ascii_digit()).next();
    Ok(digits.unwrap_or_default().parse()?)
}
