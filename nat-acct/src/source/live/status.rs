//! What lives on in a directory, looked at from outside: nothing is changed, and an agent may run.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail};
use aya::maps::{Map, MapData, PerCpuArray};
use nat_acct_common::layout::{Cause, IgnoredTotal};

use super::{
    ignored_for,
    mapped::MappedArray,
    occupancy::{Occupancy, Occupied},
    pins::Pins,
    predecessor::Predecessor,
};

/// What lives on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Who made the maps.
    pub maker: Predecessor,
    /// When they were made, in nanoseconds of the monotonic clock.
    pub made_ns: u64,
    /// Whether an agent runs.
    pub has_agent: bool,
    /// Records so far.
    pub records: u64,
    /// How many connections there are.
    pub occupied: Occupied,
    /// What was seen of connections whose opening was not.
    pub unknown: IgnoredTotal,
}

impl Status {
    /// Of `dir`; `None` if nothing lives on there.
    ///
    /// # Errors
    ///
    /// When it is of another ABI, or cannot be read.
    pub fn of(dir: &Path) -> Result<Option<Self>> {
        let pins = Pins::look_at(dir)?;
        let instance = pins.instance()?;
        let Some(instance) = instance.as_ref().and_then(|instance| instance.get(0)) else {
            if let Some(other) = pins.of_other_abis()?.first() {
                bail!(
                    "{} was made by another version of nat-acct: ask that one",
                    other.display()
                );
            }
            return Ok(None);
        };
        let slots = instance.max_connections.get() + 1;
        let map = MapData::from_pin(pins.map("CONNECTIONS")).context("cannot open CONNECTIONS")?;
        let connections = Arc::new(MappedArray::new(&map, slots)?);
        Ok(Some(Self {
            maker: Predecessor::described_by(instance),
            made_ns: instance.made_ns.get(),
            has_agent: pins.is_taken(),
            records: instance.next_record.get(),
            occupied: Occupancy::new(connections, slots).count(),
            unknown: unknown(&pins)?,
        }))
    }
}

fn unknown(pins: &Pins) -> Result<IgnoredTotal> {
    let map = MapData::from_pin(pins.map("IGNORED")).context("cannot open IGNORED")?;
    let ignored = PerCpuArray::try_from(Map::PerCpuArray(map))?;
    ignored_for(&ignored, Cause::UnknownConnection)
}
