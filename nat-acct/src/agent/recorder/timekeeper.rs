//! Keeps the stamp of records right while the clocks of the machine change, and says so. Whoever
//! needs the stamp has the clocks read before, so a record has the wall clock of the time at which it
//! became a line; and the loop asks now and then, so that a change is said when it happens.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::{info, warn};

use crate::{
    clock,
    record::{Change, Stamp},
};

/// Changes from here on are worth a line: half a second, in nanoseconds.
const LEAP_NS: i128 = 500_000_000;

pub(super) struct Timekeeper(Mutex<Stamp>);

impl Timekeeper {
    pub(super) fn new(stamp: Stamp) -> Self {
        Self(Mutex::new(stamp))
    }

    /// The stamp as the clocks are now.
    pub(super) fn stamp(&self) -> MutexGuard<'_, Stamp> {
        let mut stamp = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log(stamp.observe(clock::read()));
        stamp
    }
}

fn log(change: Change) {
    let Change {
        step_ns,
        suspended_ns,
    } = change;
    if suspended_ns >= LEAP_NS {
        info!("the machine was suspended for {}", seconds(suspended_ns));
    }
    if step_ns.abs() >= LEAP_NS {
        let way = if step_ns > 0 { "forward" } else { "back" };
        warn!(
            "the wall clock was set {way} by {}: times in records are by the new one from now on",
            seconds(step_ns.abs())
        );
    }
}

fn seconds(ns: i128) -> String {
    format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1_000)
}
