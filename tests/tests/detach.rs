//! `nat-acct detach`: what lives on becomes records and is gone, whatever has
//! happened to the agent and the interfaces since; else one line says why not.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::{INSIDE, OUTSIDE, hooks};
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::traffic::socket;
use nat_acct_tests::truth::{assert_equal, assert_numbered};
use nat_acct_tests::{Agent, Count, Family, Lab, Ns, Truth, agent, detach, in_a_lab, refusal};
use serde_json::Value;

use Step::{Close, Meet, Receive, ReceiveToEnd, Send};

const CLIENT_PORT: u16 = 41_000;
const SENT: u64 = 123_456;
const RECEIVED: u64 = 234_567;

#[test]
fn after_a_kill_open_connections_become_records() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| detached_after_a_kill(lab, hook, || Ok(())))
            .with_context(|| hook.to_string())?;
    }
    Ok(())
}

#[test]
fn an_interface_that_is_gone_is_no_obstacle() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| {
            detached_after_a_kill(lab, hook, || {
                lab.run(Ns::Gateway, &format!("ip link del {OUTSIDE}"))?;
                Ok(())
            })
        })
        .with_context(|| hook.to_string())?;
    }
    Ok(())
}

#[test]
fn a_connection_to_the_gateway_itself_is_known_as_such() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        let agent = Agent::start(lab, &["--pin", text(&pin)?])?;
        let to_gateway = Conversation::new(lab, Ns::Client1, Family::V4).with(Ns::Gateway);
        let (_, records) = at_rest(lab, &to_gateway, || {
            agent.kill()?;
            detach(lab, &pin)
        })?;
        let records = agent::closing(&records)?;
        let matched: Vec<_> = records.iter().map(|record| &record.matched).collect();
        assert_eq!(matched, ["local"]);
        Ok(())
    })
}

#[test]
fn where_nothing_lives_on_it_says_so() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        refused(lab, &pin, &["nothing lives on in", text(&pin)?])?;
        ensure!(!pin.exists(), "it was made");
        std::fs::create_dir(&pin)?;
        refused(lab, &pin, &["nothing lives on in", text(&pin)?])
    })
}

#[test]
fn while_the_agent_runs_it_says_so() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        let agent = Agent::start(lab, &["--pin", text(&pin)?])?;
        refused(lab, &pin, &["another nat-acct runs with", text(&pin)?])?;
        let done = Conversation::new(lab, Ns::Client1, Family::V4)
            .run(&[Send(SENT), ReceiveToEnd], &[Receive(SENT), Close])?;
        let record = agent.stop_with_one_record()?;
        assert_equal(&[done.truth("undisturbed", &["fin"])], &[record]);
        detach(lab, &pin)?;
        Ok(())
    })
}

/// An agent is killed while a connection is open, and something else happens to
/// the gateway; then `detach` writes the record.
fn detached_after_a_kill(
    lab: &Lab,
    hook: &str,
    happens: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let pin = lab.bpf_dir()?.join("nat-acct");
    let agent = Agent::start(lab, &["--hook", hook, "--pin", text(&pin)?])?;
    let conversation = Conversation::new(lab, Ns::Client1, Family::V4);
    let (done, records) = at_rest(lab, &conversation, || {
        let mut records = agent.kill()?;
        ensure!(records.is_empty(), "{records:#?}");
        happens()?;
        let left: Vec<_> = devices(lab)?;
        ensure!(
            hooks::ensure_none_of_ours(lab, &left).is_err(),
            "not pinned"
        );
        records.extend(detach(lab, &pin)?);
        hooks::ensure_none_of_ours(lab, &left)?;
        Ok(records)
    })?;
    assert_numbered(&records);
    let truth = Truth {
        sent: Count::Exact(SENT),
        received: Count::Exact(RECEIVED),
        ..done.truth("open", &["agent-stop"])
    };
    assert_equal(&[truth], &agent::closing(&records)?);
    Ok(())
}

/// Which of the two interfaces there are.
fn devices(lab: &Lab) -> Result<Vec<&'static str>> {
    let links = lab.run(Ns::Gateway, "ip -br link")?;
    let is_there = |name: &&str| links.lines().any(|line| line.starts_with(name));
    Ok([INSIDE, OUTSIDE].into_iter().filter(is_there).collect())
}

/// Does something while a connection is open and all its bytes are acknowledged.
fn at_rest(
    lab: &Lab,
    conversation: &Conversation<'_>,
    meanwhile: impl FnOnce() -> Result<Vec<Value>>,
) -> Result<(Done, Vec<Value>)> {
    let (done, records) = conversation.clone().client_port(CLIENT_PORT).run_with(
        &[Send(SENT), Receive(RECEIVED), Meet, Meet],
        &[Receive(SENT), Send(RECEIVED), Meet, Meet],
        || {
            socket::wait_acknowledged(lab, Ns::Client1, CLIENT_PORT)?;
            meanwhile()
        },
    )?;
    Ok((done, records?))
}

/// One line, and status 1.
fn refused(lab: &Lab, pin: &Path, says: &[&str]) -> Result<()> {
    let mut command = lab.command(Ns::Gateway, agent::binary()?);
    command.args(["detach", "--pin"]).arg(pin);
    refusal::check(lab, command, 1, says)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
