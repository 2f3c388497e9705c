//! The snippet for logrotate, with the real logrotate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::http::{self, Fetches};
use nat_acct_tests::truth::{assert_numbered, assert_same};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, agent, in_a_lab, wait_until};

const SNIPPET: &str = include_str!("../../contrib/logrotate/nat-acct");
const OUTPUT: &str = "/var/log/nat-acct/nat-acct.jsonl";
const SIGNAL: &str = "systemctl kill --signal=HUP --kill-who=main nat-acct.service";

#[test]
fn nothing_is_lost_when_logrotate_rotates() -> Result<()> {
    in_a_lab(|lab| {
        let dir = lab.dir().join("log");
        fs::create_dir(&dir)?;
        // logrotate touches nothing where others may write.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o750))?;
        let output = dir.join("nat-acct.jsonl");
        let mut agent = Agent::start_to(lab, &output)?;
        for said in [OUTPUT, SIGNAL] {
            ensure!(SNIPPET.matches(said).count() == 1, "{said} is not in it");
        }
        let path = output.to_str().context("not UTF-8")?;
        let signal = format!("kill -HUP {}", agent.process().pid());
        let snippet = SNIPPET.replace(OUTPUT, path).replace(SIGNAL, &signal);
        let file = lab.dir().join("logrotate.conf");
        fs::write(&file, snippet)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;

        let nginx = Nginx::start(lab)?;
        let mut truths = Vec::new();
        for round in 1..=3 {
            truths.extend(http::fetch_many(lab, &nginx, &Fetches::small(20))?);
            agent.wait_for_records(20, PATIENCE)?;
            logrotate(&file, &lab.dir().join("logrotate.state"))?;
            wait_until(PATIENCE, "the agent to open the file anew", || {
                let times = agent.log().matches("is opened anew, as asked").count();
                Ok((times == round).then_some(()))
            })?;
        }
        truths.extend(http::fetch_many(lab, &nginx, &Fetches::small(20))?);
        agent.wait_for_records(20, PATIENCE)?;
        let stopped = agent.stop()?;
        ensure!(stopped.status.success(), "{}", stopped.log);
        let mut records = Vec::new();
        for rotated in [
            "nat-acct.jsonl.3.gz",
            "nat-acct.jsonl.2.gz",
            "nat-acct.jsonl.1",
        ] {
            records.extend(agent::parse(&text(&dir.join(rotated))?)?);
        }
        records.extend(stopped.records);
        assert_numbered(&records);
        assert_same(&truths, &agent::closing(&records)?);
        Ok(())
    })
}

fn logrotate(file: &Path, state: &Path) -> Result<()> {
    let mut command = Command::new("logrotate");
    let done = command
        .args(["--force", "--state"])
        .arg(state)
        .arg(file)
        .output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{said}");
    Ok(())
}

fn text(path: &Path) -> Result<String> {
    // It takes plain text as it is.
    let done = Command::new("zcat").arg("-f").arg(path).output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{}: {said}", path.display());
    Ok(String::from_utf8(done.stdout)?)
}
