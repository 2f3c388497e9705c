//! Places where an agent cannot run, or only just: it works, or says in one line
//! what is in its way and what to do.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::lab::{INSIDE, OUTSIDE, hooks};
use nat_acct_tests::seccomp::{self, Bpf};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, Receive, ReceiveToEnd, Send};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab, refusal};

const SOON: Duration = Duration::from_secs(30);
const RUN: [&str; 5] = ["run", "--inside", INSIDE, "--outside", OUTSIDE];

#[test]
fn pinned_in_another_file_system() -> Result<()> {
    in_a_lab(|lab| {
        let dir = lab.disk(1 << 20)?.dir().join("below/nat-acct");
        pin_refused(lab, &dir, &["not in a BPF file system", "mount -t bpf"])?;
        ensure!(!dir.exists(), "it was made");
        let file = lab.dir().join("file");
        fs::write(&file, "")?;
        pin_refused(
            lab,
            &file,
            &["not in a BPF file system", "name a directory"],
        )
    })
}

#[test]
fn pinned_in_a_file_system_that_may_not_be_written() -> Result<()> {
    in_a_lab(|lab| {
        let (missing, there) = (lab.bpf_dir()?.join("missing"), lab.bpf_dir()?.join("there"));
        fs::create_dir(&there)?;
        let mounted = lab.bpf_dir()?;
        lab.run(
            Ns::Gateway,
            &format!("mount -o remount,ro {}", mounted.display()),
        )?;
        pin_refused(lab, &missing, &["cannot make", "missing", "Read-only"])?;
        pin_refused(lab, &there, &["cannot make", "there", "Read-only"])
    })
}

#[test]
fn without_btf_it_works() -> Result<()> {
    in_a_lab(|lab| {
        let mut shell = lab.command(Ns::Gateway, "unshare");
        shell.args(["--mount", "sh", "-ec", HIDE_BTF]);
        shell.arg(agent::binary()?).args(RUN);
        let mut agent = Agent::spawn_command(lab, shell)?;
        agent.wait_attached()?;
        let done = Conversation::new(lab, Ns::Client1, Family::V4).run(
            &[Send(5_000), ReceiveToEnd],
            &[Receive(5_000), Send(70_000), Close],
        )?;
        agent.wait_for_records(1, SOON)?;
        let record = agent.stop_with_one_record()?;
        assert_equal(&[done.truth("without BTF", &["fin"])], &[record]);
        Ok(())
    })
}

const HIDE_BTF: &str = "\
    if [ -d /sys/kernel/btf ]; then mount -t tmpfs none /sys/kernel/btf; fi
    test ! -e /sys/kernel/btf/vmlinux
    exec \"$0\" \"$@\"";

#[test]
fn a_seccomp_filter_is_named() -> Result<()> {
    in_a_lab(|lab| {
        let mut command = run(lab)?;
        seccomp::restrict(&mut command, Bpf::Forbidden);
        refusal::check(lab, command, 1, &["seccomp", "bpf(2)"])
    })
}

#[test]
fn a_user_namespace_is_named() -> Result<()> {
    in_a_lab(|lab| {
        let mut command = lab.command(Ns::Gateway, "unshare");
        command.args(["--user", "--map-root-user"]);
        command.arg(agent::binary()?).args(RUN);
        refusal::check(lab, command, 1, &["user namespace"])
    })
}

/// Only kernels before 5.11 count maps as locked memory.
#[test]
fn a_limit_of_locked_memory_is_raised_or_named() -> Result<()> {
    in_a_lab(|lab| {
        let limited = |args: &[&str]| -> Result<Command> {
            let mut command = lab.command(Ns::Gateway, "prlimit");
            command.arg("--memlock=65536:65536").args(args);
            command.arg(agent::binary()?).args(RUN);
            Ok(command)
        };
        let mut raised = Agent::spawn_command(lab, limited(&[])?)?;
        if may_raise()? || !counts_maps()? {
            raised.wait_attached()?;
            let stopped = raised.stop()?;
            ensure!(stopped.status.success(), "{}", stopped.log);
        }
        if counts_maps()? {
            let without = [
                "setpriv",
                "--bounding-set",
                "-sys_resource",
                "--inh-caps",
                "-sys_resource",
            ];
            let says = ["RLIMIT_MEMLOCK", "65536 bytes", "CAP_SYS_RESOURCE"];
            refusal::check(lab, limited(&without)?, 1, &says)?;
        }
        hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
    })
}

/// Whether this process has CAP_SYS_RESOURCE.
fn may_raise() -> Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = u64::from_str_radix(effective.unwrap_or_default().trim(), 16)?;
    Ok(effective >> 24 & 1 == 1)
}

fn counts_maps() -> Result<bool> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = release.split('.').map(str::parse::<u32>);
    let version = (numbers.next(), numbers.next());
    let (Some(Ok(major)), Some(Ok(minor))) = version else {
        anyhow::bail!("no version: {release}");
    };
    Ok((major, minor) < (5, 11))
}

fn pin_refused(lab: &Lab, pin: &Path, says: &[&str]) -> Result<()> {
    let mut command = run(lab)?;
    command.arg("--pin").arg(pin);
    refusal::check(lab, command, 1, says)?;
    hooks::ensure_none_of_ours(lab, &[INSIDE, OUTSIDE])
}

fn run(lab: &Lab) -> Result<Command> {
    let mut command = lab.command(Ns::Gateway, agent::binary()?);
    command.args(RUN);
    Ok(command)
}
