//! `cargo xtask demo`: a gateway, the agent in it, real traffic through it, and
//! every number of every record beside what the endpoints say.

mod paint;
mod record;
mod table;

use std::thread::ScopedJoinHandle;
use std::time::Duration;

use anyhow::{Result, bail};
use nat_acct_tests::agent::{self, Stopped};
use nat_acct_tests::traffic::mixed::{CLIENTS, Servers};
use nat_acct_tests::truth::{Record, compare};
use nat_acct_tests::{Agent, Lab, Truth, wait_until};

use crate::{build_ebpf, lab, tools};

/// How long records may come after the last connection has closed.
const LAST_RECORDS: Duration = Duration::from_secs(15);
/// A bound for the traffic itself.
const ALL_TRAFFIC: Duration = Duration::from_secs(120);

pub fn run() -> Result<()> {
    lab::require_root()?;
    tools::ensure()?;
    build_ebpf::ensure()?;
    let binary = crate::agent::build()?;

    println!("==> the lab: two clients behind a masquerading gateway, and a remote");
    let lab = Lab::up()?;
    let servers = Servers::start(&lab)?;
    println!("==> the agent: nat-acct run --inside br0 --outside eth1");
    let agent = Agent::start_binary(&lab, &binary, &[])?;

    println!("==> curl, scp over ssh, iperf3 and half-closed transfers; records as they come:\n");
    let truths = drive(&lab, &servers, &agent)?;
    let Stopped {
        status,
        records,
        log,
    } = agent.stop()?;

    println!("\n==> what the endpoints counted, and what the records say:\n");
    let rows = compare(&truths, &agent::closing(&records)?);
    table::print(&rows);
    let differing = rows.iter().filter(|row| !row.equal()).count();
    if differing > 0 || !status.success() {
        eprintln!("\nThe agent's log:\n{log}");
        bail!(
            "{differing} of {} connections differ; the agent ended with {status}",
            rows.len()
        );
    }
    println!("\nAll {} connections: equal.", rows.len());
    Ok(())
}

/// Lets the traffic run and prints each record when it is there.
fn drive(lab: &Lab, servers: &Servers, agent: &Agent) -> Result<Vec<Truth>> {
    let mut shown = 0;
    std::thread::scope(|scope| {
        let mut clients: Vec<_> = CLIENTS
            .map(|plan| scope.spawn(move || plan.run(lab, servers)))
            .into();
        wait_until(ALL_TRAFFIC, "the end of the traffic", || {
            show_new(agent, &mut shown)?;
            Ok(clients
                .iter()
                .all(ScopedJoinHandle::is_finished)
                .then_some(()))
        })?;
        let mut truths = Vec::new();
        for client in clients.drain(..) {
            truths.extend(client.join().expect("a client's thread")?);
        }
        // A record that does not come is not an error here: the table shows it.
        let _ = wait_until(LAST_RECORDS, "the last records", || {
            show_new(agent, &mut shown)?;
            Ok((shown >= truths.len()).then_some(()))
        });
        Ok(truths)
    })
}

fn show_new(agent: &Agent, shown: &mut usize) -> Result<()> {
    let records = agent.records()?;
    let ends: Vec<_> = records
        .iter()
        .filter(|value| Record::is_end(value))
        .collect();
    for value in &ends[*shown..] {
        println!("{}", record::line(value)?);
    }
    *shown = ends.len();
    Ok(())
}
