//! The agent with the capabilities that it needs and nothing else, and with one
//! too few. CAP_PERFMON is among them: without it, the verifier allows no
//! variable offset into a packet ("pointer arithmetic with it prohibited for
//! !root"), so no header after IP options.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::privilege::{NOBODY, as_nobody};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Family, Lab, Ns, agent, in_a_lab};

const SOON: Duration = Duration::from_secs(30);
/// Number and name of each needed capability.
const NEEDED: [(u32, &str); 3] = [(12, "net_admin"), (38, "perfmon"), (39, "bpf")];

#[test]
fn the_needed_capabilities_suffice() -> Result<()> {
    in_a_lab(|lab| {
        let mut agent = as_nobody(lab, &NEEDED.map(|(_, name)| name))?;
        agent.wait_attached()?;
        let status = fs::read_to_string(format!("/proc/{}/status", agent.process().pid()))?;
        let has = |line: &str| {
            status
                .lines()
                .any(|l| l.split_whitespace().eq(line.split(' ')))
        };
        let mask: u64 = NEEDED.iter().map(|(number, _)| 1 << number).sum();
        assert!(has(&format!("CapBnd: {mask:016x}")), "{status}");
        assert!(
            has(&format!("Uid: {NOBODY} {NOBODY} {NOBODY} {NOBODY}")),
            "{status}"
        );

        let mut truths = Vec::new();
        for family in [Family::V4, Family::V6] {
            let done = Conversation::new(lab, Ns::Client1, family).run(
                &[Send(5_000), ReceiveToEnd],
                &[Receive(5_000), Send(70_000), Close],
            )?;
            truths.push(done.truth("unprivileged", &["fin"]));
        }
        agent.wait_for_records(truths.len(), SOON)?;
        let stopped = agent.stop()?;
        assert!(stopped.status.success(), "{}", stopped.log);
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        Ok(())
    })
}

#[test]
fn in_a_user_namespace_it_says_so() -> Result<()> {
    in_a_lab(|lab| {
        let mut command = lab.command(Ns::Gateway, "unshare");
        command
            .args(["--user", "--map-root-user"])
            .arg(agent::binary()?);
        command.args(["run", "--inside", INSIDE, "--outside", OUTSIDE]);
        let done = command.output()?;
        let said = String::from_utf8(done.stderr)?;
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("in a user namespace"), "{said}");
        Ok(())
    })
}

#[test]
fn without_cap_bpf_it_says_so() -> Result<()> {
    in_a_lab(|lab| refused(lab, &["net_admin", "perfmon"], "CAP_BPF is missing"))
}

#[test]
fn without_cap_net_admin_it_says_so() -> Result<()> {
    in_a_lab(|lab| refused(lab, &["bpf", "perfmon"], "CAP_NET_ADMIN is missing"))
}

#[test]
fn without_cap_perfmon_it_says_so() -> Result<()> {
    in_a_lab(|lab| refused(lab, &["bpf", "net_admin"], "CAP_PERFMON is missing"))
}

#[test]
fn without_any_it_names_the_first() -> Result<()> {
    in_a_lab(|lab| refused(lab, &[], "CAP_BPF"))
}

/// One line that names what is missing, and status 1.
fn refused(lab: &Lab, capabilities: &[&str], missing: &str) -> Result<()> {
    let mut agent = as_nobody(lab, capabilities)?;
    let status = agent.process().wait(SOON)?;
    let log = agent.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.starts_with("nat-acct: error: "), "{log}");
    assert!(log.contains("not enough privilege"), "{log}");
    assert!(log.contains(missing), "{log}");
    assert!(
        log.len() < 500,
        "a line for people, not the verifier's log: {log}"
    );
    Ok(())
}
