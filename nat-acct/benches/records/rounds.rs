//! Measurements, and how they are told: a JSON object a line.

use anyhow::Result;
use nix::time::{ClockId, clock_gettime};
use serde_json::json;

use super::allocations;

/// In the order in which they were first made.
#[derive(Default)]
pub struct Rounds(Vec<Row>);

struct Row {
    what: &'static str,
    /// Nanoseconds of CPU for one, in each round.
    ns: Vec<f64>,
    allocations: Vec<f64>,
}

impl Rounds {
    /// Has something done so many times by one call.
    pub fn measure(&mut self, what: &'static str, times: u32, act: impl FnOnce()) -> Result<()> {
        let (allocations, ns) = (allocations::count(), cpu_ns()?);
        act();
        let each = |count: u64| count as f64 / f64::from(times);
        let ns = each(cpu_ns()? - ns);
        let allocations = each(allocations::count() - allocations);
        let row = match self.0.iter_mut().find(|row| row.what == what) {
            Some(row) => row,
            None => self.0.push_mut(Row {
                what,
                ns: Vec::new(),
                allocations: Vec::new(),
            }),
        };
        row.ns.push(ns);
        row.allocations.push(allocations);
        Ok(())
    }

    pub fn print(&self) {
        for Row {
            what,
            ns,
            allocations,
        } in &self.0
        {
            println!(
                "{}",
                json!({ "what": what, "ns": ns, "allocations": allocations })
            );
        }
    }
}

/// Of this thread: others that want the processor too do not count.
fn cpu_ns() -> Result<u64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}
