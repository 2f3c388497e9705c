//! What goes on from agent to agent besides connections: how the maps are laid out, and the number
//! of the next record.

use anyhow::{Context as _, Result};
use aya::Ebpf;
use nat_acct_common::layout::{ABI_VERSION, Connection, Instance, Seed};

use super::{Hook, Places, Settings, mapped::MappedArray, table::mapped};
use crate::clock;

pub(super) struct Legacy(MappedArray<Instance>);

impl Legacy {
    pub(super) fn of(ebpf: &Ebpf) -> Result<Self> {
        mapped(ebpf, "INSTANCE", 1).map(Self)
    }

    /// Writes what a later agent needs into new maps.
    pub(super) fn begin(&self, settings: &Settings, seed: Seed, filter_handle: u32) -> Result<()> {
        let instance = self.0.get(0).context("the map INSTANCE is empty")?;
        instance.max_connections.set(settings.max_connections);
        instance.ring_bytes.set(settings.ring_bytes);
        let close_on_first_fin = settings.close_on_first_fin.into();
        instance.close_on_first_fin.set(close_on_first_fin);
        instance.set_seed(seed);
        instance.made_ns.set(clock::monotonic_ns());
        instance.filter_handle.set(filter_handle.into());
        Ok(())
    }

    /// Tells where programs are attached. From here on there is something that a later agent can
    /// adopt.
    pub(super) fn publish(&self, places: &Places) {
        if let Some(instance) = self.0.get(0) {
            instance
                .inside
                .set(places.inside.iter().map(String::as_str));
            instance
                .outside
                .set(places.outside.iter().map(String::as_str));
            instance.hook.set(Hook::number(places.hook));
            instance.manifest.describe();
            instance.abi.set(ABI_VERSION);
        }
    }

    /// When the maps were made, in nanoseconds of the monotonic clock.
    pub(super) fn made_ns(&self) -> u64 {
        self.0.get(0).map_or(0, |instance| instance.made_ns.get())
    }

    /// Goes on with the numbers of the agent before, which may have been killed between the two
    /// stores of [`Self::number`].
    pub(super) fn resume<'a>(&self, connections: impl Iterator<Item = &'a Connection>) {
        if let Some(instance) = self.0.get(0) {
            let numbers = connections.map(|connection| connection.record_number.get());
            let next = numbers.max().unwrap_or(0);
            let known = instance.next_record.get();
            instance.next_record.set(known.max(next));
        }
    }

    /// The number of a connection's record: the same however often it is asked.
    pub(super) fn number(&self, connection: &Connection) -> Option<u64> {
        let instance = self.0.get(0)?;
        if connection.record_number.get() == 0 {
            let number = instance.next_record.get();
            connection.record_number.set(number + 1);
            instance.next_record.set(number + 1);
        }
        Some(connection.record_number.get() - 1)
    }
}
