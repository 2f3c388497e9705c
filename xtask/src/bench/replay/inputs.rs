//! The captures that are read.

use std::path::Path;

use anyhow::Result;

use super::Args;
use crate::bench::traffic::{Captures, Plan};

/// Headers and a little more; 54 bytes are enough for ours.
const SNAP_BYTES: u32 = 96;
/// The usual snap length of tcpdump.
const WHOLE: u32 = 262_144;
/// How much longer the captures are that show whether memory grows.
const LONGER: u64 = 4;
/// How many fewer packets the captures of whole packets have.
const FEWER: u64 = 5;

pub struct Inputs {
    pub usual: Captures,
    /// The same, going on longer.
    pub longer: Captures,
    /// Whole packets, for those who cannot read others.
    pub whole: Captures,
}

impl Inputs {
    pub fn new(args: &Args, dir: &Path) -> Result<Self> {
        let captures = |packets, snap_bytes| {
            let plan = Plan {
                packets,
                connections: args.connections,
                seed: args.seed,
                snap_bytes,
            };
            Captures::of(plan, dir)
        };
        Ok(Self {
            usual: captures(args.packets, SNAP_BYTES)?,
            longer: captures(LONGER * args.packets, SNAP_BYTES)?,
            whole: captures(args.packets / FEWER, WHOLE)?,
        })
    }
}
