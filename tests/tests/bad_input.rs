//! What cannot be done is said in one line on standard error, with the right
//! exit status, and nothing is left behind.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use nat_acct_tests::lab::hooks;
use nat_acct_tests::seccomp::{self, Bpf};
use nat_acct_tests::traffic::conversation::Conversation;
use nat_acct_tests::traffic::conversation::Step::{Close, ReceiveToEnd};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Background, Family, Lab, Ns, agent, in_a_lab, refusal, wait_until};

const RUN: &[&str] = &["run", "--inside", "br0", "--outside", "eth1"];

/// A command line, how it ends, and words of the one line that it says.
struct Refusal {
    args: &'static [&'static str],
    status: i32,
    says: &'static [&'static str],
}

#[test]
fn bad_input_gives_one_line() -> Result<()> {
    let refusals = [
        Refusal {
            args: &["run", "--inside", "br7", "--outside", "eth1"],
            status: 1,
            says: &["no interface", "br7"],
        },
        Refusal {
            args: &["run", "--inside", "br0", "--outside", "eth7"],
            status: 1,
            says: &["no interface", "eth7"],
        },
        Refusal {
            args: &["run", "--inside", "", "--outside", "eth1"],
            status: 2,
            says: &["--inside", "name of an interface"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "a-name-longer-than-the-kernel-allows",
                "--outside",
                "eth1",
            ],
            status: 1,
            says: &["no interface", "a-name-longer-than-the-kernel-allows"],
        },
        Refusal {
            args: &["run", "--inside", "br0\nbr1", "--outside", "eth1"],
            status: 1,
            says: &["no interface", "br0\\nbr1"],
        },
        Refusal {
            args: &["run", "--inside", "br0", "--outside", "br0"],
            status: 2,
            says: &["--outside br0 is also --inside br0"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--inside",
                "br0",
                "--outside",
                "eth1",
            ],
            status: 2,
            says: &["--inside br0 is also --inside br0"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--outside",
                "eth1",
            ],
            status: 2,
            says: &["--outside eth1 is also --outside eth1"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--output",
                "/nowhere/records",
            ],
            status: 1,
            says: &["/nowhere/records", "No such file"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--output",
                "/",
            ],
            status: 1,
            says: &["/", "directory"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--output",
                "",
            ],
            status: 1,
            says: &["for records"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--frobnicate",
            ],
            status: 2,
            says: &["--frobnicate"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--idle-timeout",
                "soon",
            ],
            status: 2,
            says: &["--idle-timeout", "soon", "2h4m"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--linger",
                "5",
            ],
            status: 2,
            says: &["--linger", "5", "unit"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--format",
                "xml",
            ],
            status: 2,
            says: &["--format", "xml", "ecs", "compact"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--max-connections",
                "0",
            ],
            status: 2,
            says: &["--max-connections", "0"],
        },
        Refusal {
            args: &[
                "run",
                "--inside",
                "br0",
                "--outside",
                "eth1",
                "--ring-bytes",
                "5000",
            ],
            status: 2,
            says: &["--ring-bytes", "5000", "power of two"],
        },
        Refusal {
            args: &["run", "--inside", "br0"],
            status: 2,
            says: &["--outside"],
        },
        Refusal {
            args: &["run", "--outside", "eth1"],
            status: 2,
            says: &["--inside"],
        },
        Refusal {
            args: &["walk"],
            status: 2,
            says: &["walk"],
        },
        Refusal {
            args: &[],
            status: 2,
            says: &["subcommand"],
        },
    ];
    in_a_lab(|lab| {
        for refusal in &refusals {
            let mut command = lab.command(Ns::Gateway, agent::binary()?);
            command.args(refusal.args);
            refusal::check(lab, command, refusal.status, refusal.says)?;
        }
        hooks::ensure_none_of_ours(lab, &["br0", "eth1"])
    })
}

#[test]
fn a_kernel_without_bpf_gives_one_line() -> Result<()> {
    refused_by(Bpf::Absent, &["no BPF", "CONFIG_BPF_SYSCALL"])
}

#[test]
fn a_kernel_that_is_too_old_gives_one_line() -> Result<()> {
    refused_by(Bpf::WithoutMaps, &["too old", "no BPF ring buffer", "5.8"])
}

fn refused_by(kernel: Bpf, says: &'static [&'static str]) -> Result<()> {
    in_a_lab(|lab| {
        let mut command = lab.command(Ns::Gateway, agent::binary()?);
        command.args(RUN);
        seccomp::restrict(&mut command, kernel);
        refusal::check(lab, command, 1, says)
    })
}

#[test]
fn a_closed_pipe_ends_it_quietly() -> Result<()> {
    in_a_lab(|lab| {
        let mut command = lab.command(Ns::Gateway, agent::binary()?);
        command.args(RUN).args(["--linger", "0s"]);
        let log = lab.dir().join("closed-pipe.err");
        command
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?);
        let mut agent = Started(command.spawn()?);
        let log = || std::fs::read_to_string(&log);
        wait_until(PATIENCE, "the agent to attach", || {
            Ok(log()?.contains("attached").then_some(()))
        })?;

        // As `| head -1` does.
        converse(lab)?;
        let mut records = BufReader::new(agent.0.stdout.take().context("no pipe")?);
        let mut first = String::new();
        records.read_line(&mut first)?;
        assert!(first.starts_with('{') && first.ends_with("}\n"), "{first}");
        drop(records);
        let status = wait_until(PATIENCE, "the agent to end", || {
            converse(lab)?;
            Ok(agent.0.try_wait()?)
        })?;
        let log = log()?;
        assert_eq!(status.code(), Some(0), "{log}");
        for word in ["error", "ERROR", "WARN", "panic"] {
            assert!(!log.contains(word), "{log}");
        }
        hooks::ensure_none_of_ours(lab, &["br0", "eth1"])
    })
}

#[test]
fn a_full_disk_is_an_error_in_the_end_and_one_line_before() -> Result<()> {
    in_a_lab(|lab| {
        let full = [RUN, &["--linger", "0s", "--output", "/dev/full"]].concat();
        let mut command = lab.command(Ns::Gateway, agent::binary()?);
        command.args(full);
        let mut agent = Background::start(command, lab.dir(), "full")?;
        wait_until(PATIENCE, "the agent to attach", || {
            Ok(agent.stderr().contains("attached").then_some(()))
        })?;
        for _ in 0..3 {
            converse(lab)?;
        }
        wait_until(PATIENCE, "the error", || {
            Ok(agent.stderr().contains("/dev/full").then_some(()))
        })?;
        let status = agent.terminate()?;
        let log = agent.stderr();
        assert_eq!(status.code(), Some(1), "{log}");
        let warnings: Vec<_> = log.lines().filter(|l| l.contains("ERROR")).collect();
        assert_eq!(warnings.len(), 1, "{log}");
        let errors: Vec<_> = log
            .lines()
            .filter(|l| l.starts_with("nat-acct: "))
            .collect();
        assert_eq!(errors.len(), 1, "{log}");
        assert!(errors[0].starts_with("nat-acct: error: "), "{log}");
        hooks::ensure_none_of_ours(lab, &["br0", "eth1"])
    })
}

/// A child that does not outlive the test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn converse(lab: &Lab) -> Result<()> {
    Conversation::new(lab, Ns::Client1, Family::V4).run(&[ReceiveToEnd], &[Close])?;
    Ok(())
}
