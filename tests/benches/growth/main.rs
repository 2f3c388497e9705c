//! What an agent takes when more and more connections are open, and nothing happens: memory in the
//! kernel and of its own, processors while it is idle, and a sweep. `cargo xtask bench growth` runs
//! this and writes the page.
//!
//! The connections are opened by packets on interfaces that the agent watches. In the end each must
//! have its record, with its own translated address.

mod conntrack;
mod kernel;
mod records;
mod state;

use std::{env, time::Duration};

use anyhow::{Context as _, Result};
use nat_acct_tests::in_a_lab;

use self::state::Agency;

/// What `cargo xtask` says: the processor for the agent, how many sweeps, how long to watch it idle,
/// and how many connections.
struct Settings {
    cpu: usize,
    sweeps: u32,
    idle: Duration,
    counts: Vec<u32>,
}

fn main() -> Result<()> {
    let settings = Settings::from_args().context("run `cargo xtask bench growth`")?;
    for &count in &settings.counts {
        eprintln!("    {count} connections");
        in_a_lab(|lab| {
            let mut agency = Agency::open(lab, count, settings.cpu)?;
            println!("{}", agency.measure(settings.idle, settings.sweeps)?);
            agency.check()
        })?;
    }
    eprintln!("    entries of conntrack");
    in_a_lab(|lab| {
        println!("{}", conntrack::measure(lab)?);
        Ok(())
    })
}

impl Settings {
    fn from_args() -> Option<Self> {
        // Cargo adds `--bench`.
        let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
        Some(Self {
            cpu: args.next()?.parse().ok()?,
            sweeps: args.next()?.parse().ok()?,
            idle: Duration::from_secs(args.next()?.parse().ok()?),
            counts: args.map(|arg| arg.parse().ok()).collect::<Option<_>>()?,
        })
    }
}
