//! `store import --follow`: lines as they are written, from the place where the last import stopped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use super::{Imported, Importer, Input, tail::Tail};
use crate::{clock, store::Dir};

/// How often to look for more.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// At most so long after a line was read it is in the store, if there is nothing more to read.
const WRITE_EVERY_NS: u64 = 1_000_000_000;

/// Whether somebody has asked to stop.
#[derive(Clone)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    fn by_signals() -> Result<Self> {
        let is_asked_for = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, is_asked_for.clone()).context("cannot wait for signals")?;
        }
        Ok(Self(is_asked_for))
    }

    pub(super) fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Follows files until SIGINT or SIGTERM.
pub(super) fn run(dir: Dir, inputs: &[Input]) -> Result<Imported> {
    let stop = Stop::by_signals()?;
    let mut importer = Importer::open(dir, Some(stop.clone()))?;
    let files = inputs.iter().filter_map(|input| match input {
        Input::File(path) => Some(path.clone()),
        Input::Stdin => None,
    });
    let mut tails: Vec<Tail> = files.map(Tail::new).collect();
    let mut written_ns = clock::monotonic_ns();
    while !stop.is_asked_for() {
        let mut is_more = false;
        for tail in &mut tails {
            is_more |= tail.turn(&mut importer)?;
        }
        if is_more {
            continue;
        }
        if clock::monotonic_ns() - written_ns >= WRITE_EVERY_NS {
            importer.commit()?;
            written_ns = clock::monotonic_ns();
        }
        thread::sleep(LOOK_EVERY);
    }
    importer.commit()?;
    Ok(importer.report.sums())
}
