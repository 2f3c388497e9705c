//! A gateway's traffic as captures of both sides, as much as is asked for, with what it adds up to.
//! It is made once: captures of the same plan are taken as they are.

mod conversation;
mod endpoints;
mod frame;
mod generate;
mod pcap;
pub mod random;
mod sums;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

pub use self::endpoints::{GATEWAY, INSIDE_GATEWAY, INSIDE_PREFIX};
pub use self::generate::Plan;
pub use self::sums::{Account, Sums};
use self::{generate::Traffic, pcap::Pcap};

/// To be raised when other captures come of the same plan.
const VERSION: u32 = 2;

/// The captures of a plan.
pub struct Captures {
    pub plan: Plan,
    pub inside: PathBuf,
    pub outside: PathBuf,
    pub truth: Sums,
}

impl Captures {
    /// Those in `dir`, made if they are not there.
    pub fn of(plan: Plan, dir: &Path) -> Result<Self> {
        let name = format!(
            "{}-{}-{}-{}",
            plan.packets, plan.connections, plan.snap_bytes, plan.seed
        );
        let dir = dir.join(name);
        let (inside, outside) = (dir.join("inside.pcap"), dir.join("outside.pcap"));
        let truth = match truth_in(&dir) {
            Some(truth) => truth,
            None => make(&plan, &dir, &inside, &outside)
                .with_context(|| format!("cannot make captures in {}", dir.display()))?,
        };
        Ok(Self {
            plan,
            inside,
            outside,
            truth,
        })
    }

    /// Packets in both.
    pub fn packets(&self) -> u64 {
        2 * self.truth.packets
    }
}

fn make(plan: &Plan, dir: &Path, inside: &Path, outside: &Path) -> Result<Sums> {
    println!(
        "==> captures of {} packets in {}",
        plan.packets,
        dir.display()
    );
    fs::create_dir_all(dir)?;
    // Written last, so that captures without it are not whole.
    let _ = fs::remove_file(truth_file(dir));
    let create = |path| Pcap::create(path, plan.snap_bytes);
    let traffic = Traffic::new(plan, create(inside)?, create(outside)?);
    let truth = traffic.generate(plan)?;
    let text = json!({ "version": VERSION, "truth": truth.to_json() });
    fs::write(truth_file(dir), text.to_string())?;
    Ok(truth)
}

fn truth_in(dir: &Path) -> Option<Sums> {
    let text = fs::read_to_string(truth_file(dir)).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    let is_current = value["version"] == VERSION;
    is_current.then(|| Sums::from_json(&value["truth"]))?
}

fn truth_file(dir: &Path) -> PathBuf {
    dir.join("truth.json")
}
