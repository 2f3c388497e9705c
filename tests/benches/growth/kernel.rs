//! Memory in the kernel, as it says of each map.

use anyhow::{Context, Result};
use aya::maps::MapType;
use nat_acct_tests::maps::Held;
use serde_json::{Value, json};

/// The map whose size is an option of its own.
const RING: &str = "EVENTS";
/// An array with a part for each processor.
const COUNTERS: &str = "COUNTERS";

/// All maps but the ring buffer, with what each takes whatever the processors, and what on each.
pub fn of_maps(maps: &[Held]) -> Result<Vec<Value>> {
    let processors = aya::util::nr_cpus().map_err(|(_, error)| error)? as u64;
    let tables = maps.iter().filter(|map| map.name != RING);
    let told = tables.map(|map| {
        let each = on_each_processor(map, processors);
        let rest = map.bytes.checked_sub(each * processors);
        Ok(json!({
            "name": map.name,
            "bytes": rest.with_context(|| format!("{map:?} is smaller than its values"))?,
            "bytes_a_processor": each,
        }))
    });
    told.collect()
}

/// Kernel: kernel/bpf/arraymap.c, `array_map_mem_usage`.
fn on_each_processor(map: &Held, processors: u64) -> u64 {
    match map.kind {
        _ if map.name == COUNTERS => map.bytes / processors,
        MapType::PerCpuArray => {
            u64::from(map.entries) * u64::from(map.value_bytes.next_multiple_of(8))
        }
        _ => 0,
    }
}
