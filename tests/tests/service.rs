//! What the agent tells a service manager, and when.

use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::notified::Notified;
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab};
use nix::sys::signal::Signal;

/// Pings come twice as often.
const WATCHDOG: Duration = Duration::from_millis(200);
/// So rarely that what nobody reads does not fill the socket, where the agent would wait for room.
const RARELY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn it_is_ready_when_it_counts_and_says_when_it_stops() -> Result<()> {
    in_a_lab(|lab| {
        let (notified, mut agent) = start(lab, OUTSIDE, RARELY)?;
        notified.wait_for("READY=1")?;
        let done = Conversation::new(lab, Ns::Client1, Family::V4).run(
            &[Send(5_000), ReceiveToEnd],
            &[Receive(5_000), Send(70_000), Close],
        )?;
        let truth = done.truth("behind READY", &["fin"]);
        agent.wait_for_records(1, PATIENCE)?;
        agent.process().signal(Signal::SIGTERM)?;
        let before = notified.wait_for("STOPPING=1")?;
        let is_ping = |message: &String| message == "WATCHDOG=1\n";
        assert!(before.iter().all(is_ping), "{before:?}");
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        assert_equal(&[truth], &agent::closing(&stopped.records)?);
        Ok(())
    })
}

#[test]
fn one_that_cannot_attach_is_never_ready() -> Result<()> {
    in_a_lab(|lab| {
        let (notified, mut agent) = start(lab, "eth9", RARELY)?;
        assert_eq!(agent.process().wait(PATIENCE)?.code(), Some(1));
        assert_eq!(notified.next(Duration::from_millis(1))?, None);
        Ok(())
    })
}

#[test]
fn the_watchdog_is_told_for_as_long_as_the_loop_goes_round() -> Result<()> {
    in_a_lab(|lab| {
        let (notified, mut agent) = start(lab, OUTSIDE, WATCHDOG)?;
        notified.wait_for("READY=1")?;
        for _ in 0..5 {
            notified.wait_for("WATCHDOG=1")?;
        }
        agent.process().signal(Signal::SIGSTOP)?;
        // What was said before it stood still.
        while notified.next(WATCHDOG)?.is_some() {}
        assert_eq!(notified.next(5 * WATCHDOG)?, None);
        agent.process().signal(Signal::SIGCONT)?;
        notified.wait_for("WATCHDOG=1")?;
        Ok(())
    })
}

fn start(lab: &Lab, outside: &str, watchdog: Duration) -> Result<(Notified, Agent)> {
    let notified = Notified::listen(lab.dir())?;
    let mut command = lab.command(Ns::Gateway, agent::binary()?);
    command.args(["run", "--inside", INSIDE, "--outside", outside]);
    notified.announce(&mut command, watchdog);
    Ok((notified, Agent::spawn_command(lab, command)?))
}
