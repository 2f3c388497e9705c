//! Runs the programs in turns, so that whatever else the machine does meets all of them.

use anyhow::{Context, Result};
use nat_acct_tests::{Lab, Ns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::contestant::{Contestant, Program};
use super::running::Running;
use crate::process::Cmd;

/// A program with its figures. One that failed was not run again.
pub struct Ran<F> {
    pub contestant: Contestant,
    pub figures: Vec<F>,
    /// Why there are no further ones.
    pub failed: Option<String>,
}

/// `measure` gets the place of a contestant and the program, which is ready; it ends it, and says in a
/// line what it found. Ours, and nothing at all, must not fail.
pub fn run<F>(
    lab: &Lab,
    contestants: Vec<Contestant>,
    rounds: u32,
    cpu: usize,
    mut measure: impl FnMut(usize, Running) -> Result<(F, String)>,
) -> Result<Vec<Ran<F>>> {
    let ran = |contestant| Ran {
        contestant,
        figures: Vec::new(),
        failed: None,
    };
    let mut all: Vec<_> = contestants.into_iter().map(ran).collect();
    for round in 1..=rounds {
        println!("==> round {round} of {rounds}");
        let take_part = all
            .iter_mut()
            .enumerate()
            .filter(|(_, one)| one.takes_part());
        for (place, one) in take_part {
            clean(lab)?;
            let running = Running::start(lab, &one.contestant, cpu);
            let measured = running.and_then(|running| measure(place, running));
            let name = one.contestant.name;
            match (measured, &one.contestant.program) {
                (Ok((figures, said)), _) => {
                    println!("    {name:<14} {said}");
                    one.figures.push(figures);
                }
                (Err(error), Program::Peer(..)) => {
                    println!("    {name:<14} failed: {error:#}");
                    one.failed = Some(format!("{error:#}"));
                }
                (Err(error), _) => return Err(error).context(name),
            }
        }
    }
    Ok(all)
}

impl<F> Ran<F> {
    fn takes_part(&self) -> bool {
        self.failed.is_none() && !matches!(self.contestant.program, Program::Missing)
    }
}

/// The next program finds no connections of the one before it, and no process: some leave those behind
/// that they have started.
fn clean(lab: &Lab) -> Result<()> {
    let left = Cmd::new("ip netns pids").arg(lab.netns(Ns::Gateway)).ask();
    for pid in left.unwrap_or_default().split_whitespace() {
        // One that has just ended is no error.
        let _ = kill(Pid::from_raw(pid.parse()?), Signal::SIGKILL);
    }
    lab.run(Ns::Gateway, "conntrack --flush")?;
    Ok(())
}
