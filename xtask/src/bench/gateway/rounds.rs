//! Runs the programs in turns, so that whatever else the machine does meets all of them.

use anyhow::Result;
use nat_acct_tests::{Lab, Ns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::contestant::Contestant;
use super::ran::Ran;
use crate::process::Cmd;

/// `measure` gets the place of a contestant; it runs the program, and says in a line what it found.
pub fn run<F>(
    contestants: Vec<Contestant>,
    rounds: u32,
    mut measure: impl FnMut(usize, &Contestant) -> Result<(F, String)>,
) -> Result<Vec<Ran<F>>> {
    let mut all: Vec<_> = contestants.into_iter().map(Ran::new).collect();
    for round in 1..=rounds {
        println!("==> round {round} of {rounds}");
        let take_part = all
            .iter_mut()
            .enumerate()
            .filter(|(_, one)| one.takes_part());
        for (place, one) in take_part {
            let measured = measure(place, &one.contestant);
            one.note(measured)?;
        }
    }
    Ok(all)
}

/// The next program finds no connections of the one before it, and no process: some leave those behind
/// that they have started.
pub fn clean(lab: &Lab) -> Result<()> {
    let left = Cmd::new("ip netns pids").arg(lab.netns(Ns::Gateway)).ask();
    for pid in left.unwrap_or_default().split_whitespace() {
        // One that has just ended is no error.
        let _ = kill(Pid::from_raw(pid.parse()?), Signal::SIGKILL);
    }
    lab.run(Ns::Gateway, "conntrack --flush")?;
    Ok(())
}
