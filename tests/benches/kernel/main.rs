//! What the programs take for a packet, by `BPF_PROG_TEST_RUN`: beside an empty program, and beside
//! one that accounts as text books do. `cargo xtask bench kernel` runs this and writes the page.
//!
//! The connection of each packet is drawn at random inside the kernel, so caches are as cold as
//! with so many connections in life. All programs get the same packets.

mod connections;
mod frames;
mod maps;
mod packets;
mod runs;

use std::env;

use anyhow::{Context as _, Result};
use nat_acct_tests::{Family, in_a_lab, processor};
use serde_json::json;

use self::connections::Connections;

/// What `cargo xtask` says: the object, the CPU, how often, and how many connections.
struct Settings {
    object: String,
    cpu: usize,
    rounds: u32,
    counts: Vec<u32>,
}

fn main() -> Result<()> {
    let settings = Settings::from_args().context("run `cargo xtask bench kernel`")?;
    in_a_lab(|lab| {
        maps::make_interfaces(lab)?;
        lab.enter(maps::NS, || {
            processor::stay_on(settings.cpu)?;
            for family in [Family::V4, Family::V6] {
                for &count in &settings.counts {
                    measure(&settings, family, count)?;
                }
            }
            Ok(())
        })
    })
}

/// Opens connections, shows packets of them, closes them, and prints what each packet took.
fn measure(settings: &Settings, family: Family, count: u32) -> Result<()> {
    eprintln!("    {count} connections over {family:?}");
    let mut connections = Connections::new(&settings.object, family, count, settings.rounds)?;
    let mut rows = connections.open()?;
    rows.extend(connections.use_them()?);
    rows.extend(connections.close()?);
    for row in rows {
        let told = json!({
            "family": format!("{family:?}"),
            "connections": count,
            "packet": row.packet,
            "back_to_back": row.back_to_back,
            "program": row.program,
            "ns": row.ns,
        });
        println!("{told}");
    }
    connections.check()
}

impl Settings {
    fn from_args() -> Option<Self> {
        // Cargo adds `--bench`.
        let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
        Some(Self {
            object: args.next()?,
            cpu: args.next()?.parse().ok()?,
            rounds: args.next()?.parse().ok()?,
            counts: args.map(|arg| arg.parse().ok()).collect::<Option<_>>()?,
        })
    }
}
