//! Records of connections that go on, and records without the remote.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, pipe};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::held::{self, Held};
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::truth::{assert_equal, assert_numbered, assert_same};
use nat_acct_tests::{Agent, Background, Family, Ns, agent, detach, in_a_lab, wait_until};
use serde_json::Value;

const LONG: Duration = Duration::from_secs(120);
const OPEN: usize = 3;

/// Start, updates and end of a connection are one story, also if the agent is killed in between.
#[test]
fn from_start_to_end_under_one_identifier() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        let pin = pin.to_str().context("a path that is no text")?;
        let args = ["--pin", pin, "--start-records", "--update-every", "1s"];
        let listener = held::listen(lab, Family::V4)?;
        let agent = Agent::start(lab, &args)?;
        let mut open = held::open(lab, Ns::Client1, &listener, OPEN)?;
        let mappings: BTreeSet<_> = open.iter().map(Held::mapping).collect::<Result<_>>()?;

        let starts = wait_for(&agent, "nat-session-start", |_| true)?;
        assert_eq!(
            starts.values().map(mapping).collect::<BTreeSet<_>>(),
            mappings
        );
        exchange(&mut open, 1_000)?;
        wait_for(&agent, "nat-session-update", |record| {
            counts(record) == (1_000, 2_000)
        })?;
        let mut all = agent.kill()?;
        exchange(&mut open, 500)?;

        // The next one knows nothing of what was told.
        let agent = Agent::start(lab, &args)?;
        let again = wait_for(&agent, "nat-session-start", |_| true)?;
        assert_eq!(
            again.values().map(mapping).collect::<BTreeSet<_>>(),
            mappings
        );
        wait_for(&agent, "nat-session-update", |record| {
            counts(record) == (1_500, 3_000)
        })?;
        let truths = open.into_iter().map(|held| held.close("told"));
        let truths: Vec<_> = truths.collect::<Result<_>>()?;
        let ends = wait_for(&agent, "nat-session-end", |_| true)?;
        all.extend(agent.stop()?.records);
        ensure!(
            detach(lab, Path::new(pin))?.is_empty(),
            "it was told before"
        );

        let ids = |records: &BTreeMap<String, Value>| records.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(&starts), ids(&ends));
        assert_eq!(ids(&again), ids(&ends));
        let ends: Vec<Value> = ends.into_values().collect();
        assert_equal(&truths, &agent::closing(&ends)?);
        numbers_are_of_ends(&all)
    })
}

/// Starts have room of their own, and no more than that.
#[test]
fn what_a_slow_output_leaves_out_is_counted_and_no_end_is_left_out() -> Result<()> {
    const CONNECTIONS: usize = 1_500;
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        let (mut reader, writer) = pipe()?;
        let mut command = lab.command(Ns::Gateway, agent::binary()?);
        command.args(["run", "--inside", "br0", "--outside", "eth1"]);
        command.args(["--start-records", "--linger", "0s"]);
        let mut agent = Background::start_into(command, writer, lab.dir(), "piped")?;
        wait_for_line(&agent, "attached")?;
        let truths = http::fetch_many(lab, &nginx, &Fetches::small(CONNECTIONS))?;
        wait_for_line(&agent, "before there was room for such records")?;

        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        let status = agent.terminate()?;
        let log = agent.stderr();
        ensure!(status.success(), "{log}");
        let records = agent::parse(&reading.join().expect("the reader")?)?;
        let starts = records
            .iter()
            .filter(|record| is(record, "nat-session-start"));
        assert_eq!(starts.count() + left_out(&log)?, truths.len(), "{log}");
        numbers_are_of_ends(&records)?;
        assert_same(&truths, &agent::closing(&records)?);
        Ok(())
    })
}

#[test]
fn no_record_says_who_the_remote_is() -> Result<()> {
    in_a_lab(|lab| {
        let args = [
            "--no-destination",
            "--start-records",
            "--update-every",
            "1s",
        ];
        let agent = Agent::start(lab, &args)?;
        let listener = held::listen(lab, Family::V4)?;
        let open = held::open(lab, Ns::Client1, &listener, OPEN)?;
        let mappings: BTreeSet<_> = open.iter().map(Held::mapping).collect::<Result<_>>()?;
        wait_for(&agent, "nat-session-update", |_| true)?;
        for held in open {
            held.close("not told")?;
        }
        let ends = wait_for(&agent, "nat-session-end", |_| true)?;
        assert_eq!(
            ends.values().map(mapping).collect::<BTreeSet<_>>(),
            mappings
        );
        let text = std::fs::read_to_string(agent.output())?;
        let remote = listener.local_addr()?;
        for secret in [remote.ip().to_string(), format!(":{}", remote.port())] {
            // A client's port may begin with the same digits.
            let is_whole = |at: usize| !text[at..].starts_with(|next: char| next.is_ascii_digit());
            let mut found = text.match_indices(&secret);
            let is_told = found.any(|(at, _)| is_whole(at + secret.len()));
            ensure!(!is_told, "{secret} is in {text}");
        }
        Ok(())
    })
}

fn exchange(open: &mut [Held], bytes: u64) -> Result<()> {
    open.iter_mut()
        .try_for_each(|held| held.exchange(bytes, 2 * bytes))
}

/// Waits until each open connection has a record with this action that is as wanted, and returns
/// those by their identifiers.
fn wait_for(
    agent: &Agent,
    action: &str,
    wanted: impl Fn(&Value) -> bool,
) -> Result<BTreeMap<String, Value>> {
    let found = wait_until(LONG, action, || {
        let records = agent.records()?.into_iter();
        let found = records.filter(|record| is(record, action) && wanted(record));
        let by_id = found.map(|record| (record["event"]["id"].to_string(), record));
        let by_id: BTreeMap<_, _> = by_id.collect();
        Ok((by_id.len() >= OPEN).then_some(by_id))
    });
    found.with_context(|| format!("{:#?}\n{}", agent.records(), agent.log()))
}

fn is(record: &Value, action: &str) -> bool {
    record["event"]["action"] == action
}

/// Payload sent and received, if it is told, each byte once.
fn counts(record: &Value) -> (u64, u64) {
    let told = &record["nat_acct"];
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let count = |way: &str| number(&told[way]) - number(&told["retransmitted"][way]);
    (count("sent"), count("received"))
}

/// Client and translated address.
fn mapping(record: &Value) -> (SocketAddr, SocketAddr) {
    let address = |side: &Value| {
        let text = format!(
            "{}:{}",
            side["ip"].as_str().unwrap_or_default(),
            side["port"]
        );
        text.parse()
            .unwrap_or_else(|_| panic!("{text} in {record}"))
    };
    let client = &record["source"];
    (address(client), address(&client["nat"]))
}

/// The ends, but no others, are numbered without a gap.
fn numbers_are_of_ends(records: &[Value]) -> Result<()> {
    let (ends, others): (Vec<Value>, Vec<Value>) = records
        .iter()
        .cloned()
        .partition(|record| is(record, "nat-session-end"));
    assert_numbered(&ends);
    let numbered = others
        .iter()
        .find(|record| record["event"].get("sequence").is_some());
    ensure!(numbered.is_none(), "{numbered:?}");
    Ok(())
}

fn wait_for_line(agent: &Background, words: &str) -> Result<()> {
    let said = || Ok(agent.stderr().contains(words).then_some(()));
    wait_until(LONG, words, said).with_context(|| agent.stderr())
}

/// The last total of starts that were left out.
fn left_out(log: &str) -> Result<usize> {
    let mut lines = log.lines().rev();
    let last = lines.find(|line| line.contains("before there was room"));
    let last = last.with_context(|| log.to_owned())?;
    let (_, total) = last
        .rsplit_once("total=")
        .with_context(|| last.to_owned())?;
    let digits = total.split(|c: char| !c.is_ascii_digit()).next();
    Ok(digits.unwrap_or_default().parse()?)
}
