//! An agent that is killed again and again, in the middle of ten thousand
//! connections: with `--pin`, the next one finds all that was known.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::many;
use nat_acct_tests::truth::{assert_same, without_duplicates};
use nat_acct_tests::{Agent, Random, agent, detach, in_a_lab, wait_until};
use serde_json::Value;

const CONNECTIONS: usize = 10_000;
const KILLS: usize = 20;
const A_LIFE: usize = CONNECTIONS / KILLS;
const LONG: Duration = Duration::from_secs(60);

#[test]
fn killed_twenty_times_no_record_is_lost_or_wrong() -> Result<()> {
    killed(&[])
}

#[test]
fn the_same_with_a_ring_buffer_of_a_page() -> Result<()> {
    killed(&["--ring-bytes", "4096"])
}

fn killed(args: &[&str]) -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        let args = [&["--pin", text(&pin)?, "--linger", "20ms"], args].concat();
        let nginx = Nginx::start(lab)?;
        let (mut truths, mut records) = (Vec::new(), Vec::new());
        let mut random = Random::seeded();
        // Attaches before there is anything to be missed.
        let mut agent = Agent::start(lab, &args)?;
        for _ in 0..KILLS {
            agent = std::thread::scope(|scope| -> Result<Agent> {
                let traffic = scope.spawn(|| many::fetch(lab, &nginx, A_LIFE));
                let enough = random.below(A_LIFE as u64) as usize;
                wait_until(LONG, "records", || {
                    Ok((agent.records()?.len() >= enough).then_some(()))
                })?;
                records.extend(agent.kill()?);
                let next = Agent::start(lab, &args)?;
                truths.extend(traffic.join().expect("the thread of the traffic")?);
                Ok(next)
            })?;
        }
        let last = agent;
        wait_until(LONG, "all records", || {
            let all: Vec<_> = [&records[..], &last.records()?].concat();
            let ids: BTreeSet<_> = all.iter().map(id).collect();
            Ok((ids.len() >= CONNECTIONS).then_some(()))
        })
        .with_context(|| last.log())?;
        let stopped = last.stop()?;
        ensure!(stopped.status.success(), "{}", stopped.log);
        records.extend(stopped.records);
        records.extend(detach(lab, &pin)?);

        let records = without_duplicates(records)?;
        assert_eq!(records.len(), CONNECTIONS);
        assert_same(&truths, &agent::closing(&records)?);
        let numbers = records.iter().map(|record| &record["event"]["sequence"]);
        let numbers: BTreeSet<_> = numbers.filter_map(Value::as_u64).collect();
        assert!(numbers.into_iter().eq(0..CONNECTIONS as u64));
        Ok(())
    })
}

fn id(record: &Value) -> String {
    record["event"]["id"].to_string()
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
