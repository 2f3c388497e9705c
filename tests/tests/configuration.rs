//! A configuration file: what is in it counts, the command line wins, and SIGHUP has it read again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result};
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::notified::Notified;
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Meet, Receive, ReceiveToEnd, Send};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Ns, agent, in_a_lab, wait_until};
use nix::sys::signal::Signal;

const IN_EFFECT: &str = "the configuration was read again";

#[test]
fn two_lines_are_enough_and_the_command_line_wins() -> Result<()> {
    in_a_lab(|lab| {
        let file = lab.dir().join("nat-acct.toml");
        let text = format!("inside = \"{INSIDE}\"\noutside = \"eth9\"\nformat = \"compact\"\n");
        fs::write(&file, text)?;
        let file = file.to_str().context("not UTF-8")?;
        let args = ["run", "--config", file, "--outside", OUTSIDE];
        let mut agent = Agent::spawn(lab, &agent::binary()?, &args)?;
        agent.wait_attached()?;
        Conversation::new(lab, Ns::Client1, Family::V4)
            .run(&[Send(5_000), ReceiveToEnd], &[Receive(5_000), Close])?;
        let records = agent.wait_for_records(1, PATIENCE)?;
        // A field of the compact format.
        assert!(records[0].get("@timestamp").is_none(), "{records:?}");
        assert!(agent.stop()?.status.success());
        Ok(())
    })
}

#[test]
fn sighup_changes_what_can_change_and_names_what_cannot() -> Result<()> {
    in_a_lab(|lab| {
        let file = lab.dir().join("nat-acct.toml");
        let sides = format!("inside = \"{INSIDE}\"\noutside = \"{OUTSIDE}\"\n");
        fs::write(&file, &sides)?;
        let notified = Notified::listen(lab.dir())?;
        let mut command = lab.command(Ns::Gateway, agent::binary()?);
        command.args(["run", "--config"]).arg(&file);
        notified.announce(&mut command, Duration::from_secs(3600));
        let mut agent = Agent::spawn_command(lab, command)?;
        notified.wait_for("READY=1")?;

        // A connection that is silent ends when the new limit says so, also one that is open.
        let talk = Conversation::new(lab, Ns::Client1, Family::V4);
        let both = [Meet, Meet];
        let (_, reloaded) = talk.run_with(
            &[&[Send(5_000)][..], &both, &[Close]].concat(),
            &[&[Receive(5_000)][..], &both, &[Close]].concat(),
            || {
                let more = "idle-timeout = \"1s\"\nlog-level = \"debug\"\nmax-connections = 5\n";
                fs::write(&file, format!("{sides}{more}"))?;
                agent.process().signal(Signal::SIGHUP)?;
                notified.wait_for("READY=1")?;
                let records = agent.wait_for_records(1, PATIENCE)?;
                assert_eq!(records[0]["event"]["reason"], "idle");
                anyhow::Ok(())
            },
        )?;
        reloaded?;
        let log = agent.log();
        let line = line(&log, IN_EFFECT)?;
        assert!(line.contains(r#"["idle-timeout", "log-level"]"#), "{line}");
        let left = self::line(&log, "when the agent is started again")?;
        assert!(left.contains("WARN"), "{left}");
        assert!(left.contains(r#"["max-connections"]"#), "{left}");

        // A file that is wrong changes nothing.
        fs::write(&file, "inside = 5\nnonsense")?;
        agent.process().signal(Signal::SIGHUP)?;
        wait_until(PATIENCE, "the complaint", || {
            Ok(agent.log().contains("nat-acct.toml:2: ").then_some(()))
        })?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        assert!(stopped.log.contains("DEBUG"), "{}", stopped.log);
        Ok(())
    })
}

#[test]
fn a_file_can_be_checked() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("nat-acct-config-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let file = dir.join("nat-acct.toml");
    fs::write(&file, "inside = \"br0\"\noutside = \"eth1\"\n")?;
    let done = check(&file)?;
    assert_eq!(done.status.code(), Some(0));
    assert!(String::from_utf8(done.stdout)?.ends_with("is in order\n"));

    fs::write(&file, "inside = \"br0\"\noutsid = \"eth1\"\n")?;
    let done = check(&file)?;
    let said = String::from_utf8(done.stderr)?;
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(
        said.contains("nat-acct.toml:2: there is no key 'outsid', but 'outside'"),
        "{said}"
    );

    fs::write(&file, "inside = \"br0\"\noutside = \"br0\"\n")?;
    assert_eq!(check(&file)?.status.code(), Some(2));
    fs::remove_dir_all(&dir)?;
    assert_eq!(check(&file)?.status.code(), Some(2));
    Ok(())
}

fn check(file: &Path) -> Result<Output> {
    let mut command = Command::new(agent::binary()?);
    Ok(command.args(["config", "check"]).arg(file).output()?)
}

fn line<'a>(log: &'a str, words: &str) -> Result<&'a str> {
    let found = log.lines().find(|line| line.contains(words));
    found.with_context(|| format!("no {words:?} in\n{log}"))
}
