//! `nat-acct status`: what it says to people, to programs and by its exit status.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result};
use nat_acct_tests::lab::INSIDE;
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Lab, Ns, agent, detach, in_a_lab, wait_until};
use nix::sys::signal::Signal;
use serde_json::Value;

const WELL: Option<i32> = Some(0);
const NOT_RUNNING: Option<i32> = Some(3);
const TROUBLED: Option<i32> = Some(4);

#[test]
fn a_running_agent_tells_how_it_stands() -> Result<()> {
    in_a_lab(|lab| {
        let asked = Asked::of(lab)?;
        let nginx = Nginx::start(lab)?;
        let agent = asked.start(lab)?;
        http::fetch_many(lab, &nginx, &Fetches::small(7))?;
        agent.wait_for_records(7, PATIENCE)?;
        let said = wait_until(PATIENCE, "seven connections in the last minute", || {
            let (code, said) = asked.told(lab)?;
            if said["agent"].is_null() {
                // It was too busy to answer in time.
                return Ok(None);
            }
            assert_eq!(code, WELL, "{said:#}");
            Ok((said["agent"]["recent"]["ended"] == 7).then_some(said))
        })?;
        assert_eq!(said["state"], "well");
        let told = &said["agent"];
        assert_eq!(told["connections"]["opened"], 7, "{said:#}");
        assert_eq!(told["connections"]["open"], 0, "{said:#}");
        assert_eq!(told["connections"]["ended"]["fin"], 7, "{said:#}");
        assert_eq!(told["output"]["written"], 7, "{said:#}");
        assert_eq!(told["output"]["waiting"], 0, "{said:#}");
        assert_eq!(
            told["received"]["payload_bytes"],
            payload(&agent)?,
            "{said:#}"
        );
        assert_eq!(told["lives_on"], true);
        let text = asked.wait_for(lab, WELL)?;
        for words in [
            "an agent runs since",
            "0 connections open, 7 opened, 7 ended (7 fin)",
        ] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        assert!(!text.contains("PROBLEM"), "{text}");
        Ok(())
    })
}

#[test]
fn what_is_wrong_is_told_for_as_long_as_it_is() -> Result<()> {
    in_a_lab(|lab| {
        let asked = Asked::of(lab)?;
        let mut agent = asked.start(lab)?;
        lab.run(Ns::Gateway, &format!("ip link del {INSIDE}"))?;
        let text = asked.wait_for(lab, TROUBLED)?;
        let problem = format!("PROBLEM: {INSIDE} is not watched: the interface is gone");
        assert!(text.contains(&problem), "{text}");
        // The log's last word is told, too.
        assert!(text.contains("waiting for it to come back"), "{text}");
        lab.bring_back(INSIDE)?;
        asked.wait_for(lab, WELL)?;

        agent.process().signal(Signal::SIGSTOP)?;
        let text = asked.text(lab, TROUBLED)?;
        assert!(
            text.contains("PROBLEM: the agent does not answer"),
            "{text}"
        );
        agent.process().signal(Signal::SIGCONT)?;
        asked.wait_for(lab, WELL)?;
        Ok(())
    })
}

#[test]
fn without_an_agent_the_tables_tell_what_they_can() -> Result<()> {
    in_a_lab(|lab| {
        let asked = Asked::of(lab)?;
        asked.text(lab, NOT_RUNNING)?;
        asked.start(lab)?.stop()?;
        let said = asked.json(lab, NOT_RUNNING)?;
        assert_eq!(said["state"], "counting-only");
        assert_eq!(said["tables"]["inside"][0], INSIDE);
        // A killed one leaves its socket.
        asked.start(lab)?.kill()?;
        let said = asked.json(lab, NOT_RUNNING)?;
        assert_eq!(said["state"], "counting-only");
        detach(lab, Path::new(&asked.pin))?;
        assert_eq!(asked.json(lab, NOT_RUNNING)?["state"], "absent");
        Ok(())
    })
}

/// An agent and where to ask it.
struct Asked {
    socket: String,
    pin: String,
}

impl Asked {
    fn of(lab: &Lab) -> Result<Self> {
        let text =
            |path: &Path| Ok::<_, anyhow::Error>(path.to_str().context("no text")?.to_owned());
        Ok(Self {
            socket: text(&lab.dir().join("status"))?,
            pin: text(&lab.bpf_dir()?.join("nat-acct"))?,
        })
    }

    fn start(&self, lab: &Lab) -> Result<Agent> {
        Agent::start(lab, &["--pin", &self.pin, "--status-socket", &self.socket])
    }

    fn ask(&self, lab: &Lab, options: &[&str]) -> Result<Output> {
        let mut command = lab.command(Ns::Gateway, agent::binary()?);
        command.args([
            "status",
            "--pin",
            &self.pin,
            "--status-socket",
            &self.socket,
        ]);
        Ok(command.args(options).output()?)
    }

    fn text(&self, lab: &Lab, expect: Option<i32>) -> Result<String> {
        let done = self.ask(lab, &[])?;
        let said = String::from_utf8([done.stdout, done.stderr].concat())?;
        assert_eq!(done.status.code(), expect, "{said}");
        Ok(said)
    }

    fn json(&self, lab: &Lab, expect: Option<i32>) -> Result<Value> {
        let (code, said) = self.told(lab)?;
        assert_eq!(code, expect, "{said:#}");
        Ok(said)
    }

    /// The exit status, and what programs are told.
    fn told(&self, lab: &Lab) -> Result<(Option<i32>, Value)> {
        let done = self.ask(lab, &["--json"])?;
        let said = serde_json::from_slice(&done.stdout)
            .with_context(|| String::from_utf8_lossy(&done.stderr).into_owned())?;
        Ok((done.status.code(), said))
    }

    fn wait_for(&self, lab: &Lab, code: Option<i32>) -> Result<String> {
        wait_until(PATIENCE, &format!("the exit status {code:?}"), || {
            let done = self.ask(lab, &[])?;
            let said = String::from_utf8(done.stdout)?;
            Ok((done.status.code() == code).then_some(said))
        })
    }
}

/// What remotes have sent, by the records.
fn payload(agent: &Agent) -> Result<u64> {
    let received = |record: &Value| record["nat_acct"]["received"].as_u64();
    let records = agent.records()?;
    let all: Option<Vec<u64>> = records.iter().map(received).collect();
    Ok(all.context("a record without a count")?.iter().sum())
}
