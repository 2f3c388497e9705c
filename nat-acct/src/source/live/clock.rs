//! How long a tick of the programs' coarse clock is. It counts jiffies, and the kernel does not
//! tell user space how many of them make a second (CONFIG_HZ), so it is measured.

use std::{thread, time::Duration};

use anyhow::{Result, bail};
use aya::Ebpf;
use nat_acct_common::layout::ClockPair;

use super::{by_hand, mapped::MappedArray, table::mapped};

/// The values of CONFIG_HZ that exist (kernel: kernel/Kconfig.hz, and arch/alpha).
const TICK_RATES_HZ: [u64; 6] = [100, 250, 300, 1000, 1024, 1200];
/// Long enough to tell 250 from 300 Hz.
const MEASURED: Duration = Duration::from_millis(100);

/// Nanoseconds of a tick.
pub(super) fn tick_ns(ebpf: &mut Ebpf) -> Result<u64> {
    let pair: MappedArray<ClockPair> = mapped(ebpf, "CLOCKS", 1)?;
    let (first_ns, first_ticks) = read(ebpf, &pair)?;
    thread::sleep(MEASURED);
    let (last_ns, last_ticks) = read(ebpf, &pair)?;
    let ticks = u64::from(last_ticks.wrapping_sub(first_ticks));
    Ok(1_000_000_000 / nearest_rate(ticks, last_ns - first_ns))
}

fn nearest_rate(ticks: u64, elapsed_ns: u64) -> u64 {
    let measured = ticks * 1_000_000_000 / elapsed_ns;
    TICK_RATES_HZ
        .into_iter()
        .min_by_key(|rate| rate.abs_diff(measured))
        .unwrap_or(measured)
}

/// Lets the kernel run the program that reads both clocks.
fn read(ebpf: &mut Ebpf, pair: &MappedArray<ClockPair>) -> Result<(u64, u32)> {
    if !by_hand::run_patiently(ebpf, "compare_clocks")? {
        bail!("cannot compare the clocks");
    }
    match pair.get(0) {
        Some(pair) => Ok(pair.get()),
        None => bail!("the map CLOCKS is empty"),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest_rate;

    #[test]
    fn measured_rates_find_the_configured_one() {
        for (ticks, elapsed_ms, rate) in [
            (10, 100, 100),
            (11, 101, 100),
            (25, 101, 250),
            (26, 100, 250),
            (30, 101, 300),
            (100, 100, 1000),
            (103, 103, 1000),
        ] {
            assert_eq!(nearest_rate(ticks, elapsed_ms * 1_000_000), rate);
        }
    }
}
