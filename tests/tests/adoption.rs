//! Programs that live on: a killed agent's connections are the next one's.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::second::SECOND_INSIDE;
use nat_acct_tests::lab::{INSIDE, OUTSIDE, hooks, hooks::Direction};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::traffic::{held, socket};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, detach, in_a_lab};

const SOON: Duration = Duration::from_secs(60);

#[test]
fn connections_go_on_from_agent_to_agent() -> Result<()> {
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| {
            let pin = lab.bpf_dir()?.join("nat-acct");
            let args = ["--hook", hook, "--pin", text(&pin)?];
            let listener = held::listen(lab, Family::V4)?;

            let agent = Agent::start(lab, &args)?;
            let mut all = held::open(lab, Ns::Client1, &listener, 3)?;
            each(&mut all, 1_000)?;
            ensure!(agent.kill()?.is_empty(), "a record too early");
            each(&mut all, 20_000)?;
            all.extend(held::open(lab, Ns::Client2, &listener, 2)?);

            // Killed, and then stopped in order: to the programs it is the same.
            let agent = Agent::start(lab, &args)?;
            each(&mut all, 3_000)?;
            let stopped = agent.stop()?;
            ensure!(stopped.records.is_empty(), "{:#?}", stopped.records);
            each(&mut all, 40_000)?;

            let agent = Agent::start(lab, &args)?;
            each(&mut all, 500)?;
            let open = all.pop().context("five are open")?;
            let close = |held: held::Held| held.close("from agent to agent");
            let mut truths: Vec<_> = all.into_iter().map(close).collect::<Result<_>>()?;
            let mut records = agent.wait_for_records(truths.len(), SOON)?;
            agent.stop()?;

            records.extend(detach(lab, &pin)?);
            let mut last = open.close("the end of the programs")?;
            last.reasons = &["agent-stop"];
            truths.push(last);
            assert_equal(&truths, &agent::closing(&records)?);
            hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
        })?;
    }
    Ok(())
}

#[test]
fn an_interface_that_is_away_hides_no_other() -> Result<()> {
    in_a_lab(|lab| {
        lab.second_inside(Ns::Neighbour)?;
        let pin = lab.bpf_dir()?.join("nat-acct");
        let args = ["--pin", text(&pin)?, "--inside", SECOND_INSIDE];
        Agent::start(lab, &args)?.kill()?;
        lab.run(Ns::Gateway, &format!("ip link del {INSIDE}"))?;
        let agent = Agent::start(lab, &args)?;
        let done = Conversation::new(lab, Ns::Neighbour, Family::V4).run(
            &[Send(7_000), ReceiveToEnd],
            &[Receive(7_000), Send(90_000), Close],
        )?;
        let records = agent.wait_for_records(1, SOON)?;
        let truth = done.truth("behind the second interface", &["fin"]);
        assert_equal(&[truth], &agent::closing(&records)?);
        agent.stop()?;
        detach(lab, &pin)?;
        Ok(())
    })
}

/// They would go on with what an agent knew that is dead.
#[test]
fn programs_do_not_stay_where_an_interface_has_another_name_now() -> Result<()> {
    const RENAMED: &str = "br9";
    for hook in hooks::of_kernel() {
        in_a_lab(|lab| {
            let pin = lab.bpf_dir()?.join("nat-acct");
            let args = ["--hook", hook, "--pin", text(&pin)?];
            Agent::start(lab, &args)?.kill()?;
            for change in ["down", &format!("name {RENAMED}"), "up"] {
                let link = if change == "up" { RENAMED } else { INSIDE };
                lab.run(Ns::Gateway, &format!("ip link set {link} {change}"))?;
            }
            ensure!(has_ours(lab, RENAMED)?, "nothing was left");
            let agent = Agent::start(lab, &args)?;
            ensure!(!has_ours(lab, RENAMED)?, "{}", agent.log());
            agent.stop()?;
            detach(lab, &pin)?;
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn status_says_what_lives_on() -> Result<()> {
    in_a_lab(|lab| {
        let pin = lab.bpf_dir()?.join("nat-acct");
        let listener = held::listen(lab, Family::V4)?;
        let mut older = held::open(lab, Ns::Client1, &listener, 1)?;
        let agent = Agent::start(lab, &["--pin", text(&pin)?])?;
        let sent = bytes_sent(lab, &listener, &older[0])?;
        each(&mut older, 4_000)?;
        let sent = bytes_sent(lab, &listener, &older[0])? - sent;
        ensure!(sent >= 12_001, "{sent}");
        let counted = format!("with {sent} payload bytes");
        ensure_says(&status(lab, &pin)?, &["an agent runs", &counted])?;
        agent.stop()?;
        ensure_says(&status(lab, &pin)?, &["no agent runs"])?;
        detach(lab, &pin)?;
        ensure_says(&status(lab, &pin)?, &["nothing lives on in"])?;
        // As another version would have left it.
        std::fs::create_dir(pin.join("abi-1"))?;
        ensure_says(&status(lab, &pin)?, &["made by another version"])
    })
}

/// Payload bytes that both ends of the only open connection have sent, those sent again as well.
fn bytes_sent(lab: &Lab, listener: &TcpListener, held: &held::Held) -> Result<u64> {
    let client = (Ns::Client1, held.mapping()?.0.port());
    let remote = (Ns::Remote, listener.local_addr()?.port());
    let sent = [client, remote].map(|(ns, port)| {
        socket::wait_acknowledged(lab, ns, port)?;
        Ok(socket::counters(lab, ns, port)?.bytes_sent)
    });
    sent.into_iter().sum()
}

/// Whether a program of an agent's is on the device.
fn has_ours(lab: &Lab, device: &str) -> Result<bool> {
    let mut all = Vec::new();
    for direction in Direction::ALL {
        all.extend(hooks::tcx(lab, Ns::Gateway, device, direction)?);
        all.push(hooks::filters(lab, Ns::Gateway, device, direction)?);
    }
    Ok(all.iter().any(|text| text.contains("inside_")))
}

/// Both what it says and what it complains of.
fn status(lab: &Lab, pin: &Path) -> Result<String> {
    let mut command = lab.command(Ns::Gateway, agent::binary()?);
    let done = command.args(["status", "--pin"]).arg(pin).output()?;
    Ok(String::from_utf8([done.stdout, done.stderr].concat())?)
}

fn ensure_says(text: &str, expected: &[&str]) -> Result<()> {
    for words in expected {
        ensure!(text.contains(words), "{words} is not in: {text}");
    }
    Ok(())
}

fn each(all: &mut [held::Held], bytes: u64) -> Result<()> {
    all.iter_mut()
        .try_for_each(|held| held.exchange(bytes, 2 * bytes + 1))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}
