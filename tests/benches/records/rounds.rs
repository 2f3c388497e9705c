//! Measurements, and how they are told: a JSON object a line.

use anyhow::{Context as _, Result};
use nat_acct_tests::processor;
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
        let (allocations, time) = (allocations::count(), processor::time_taken()?);
        act();
        let time = processor::time_taken()? - time;
        let allocations = allocations::count() - allocations;
        let ns = time.as_secs_f64() * 1e9 / f64::from(times);
        let allocations = allocations as f64 / f64::from(times);
        self.add(what, ns, allocations);
        Ok(())
    }

    /// Adds what one took more than the other in this round.
    pub fn subtract(&mut self, what: &'static str, [more, less]: [&str; 2]) -> Result<()> {
        let last = |what: &str| {
            let row = self.0.iter().find(|row| row.what == what)?;
            row.ns.last().zip(row.allocations.last())
        };
        let rows = last(more).zip(last(less));
        let ((more_ns, more_allocations), (ns, allocations)) =
            rows.context("both were measured")?;
        self.add(what, more_ns - ns, more_allocations - allocations);
        Ok(())
    }

    fn add(&mut self, what: &'static str, ns: f64, allocations: f64) {
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
