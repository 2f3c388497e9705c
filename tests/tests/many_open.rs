//! Two hundred thousand connections that are open at the same time: what each
//! takes in memory, and what an agent costs that has nothing to do.

use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::used::{own_bytes, processor_time, wait_idle};
use nat_acct_tests::{crowd, in_a_lab, maps};

const CONNECTIONS: u32 = 200_000;
/// So long it is watched doing nothing. The least of [`TIMES`] counts: others on the machine make the
/// same work dearer.
const IDLE: Duration = Duration::from_secs(5);
const TIMES: usize = 3;
/// A fiftieth of a processor.
const MOST_IDLE_CPU: Duration = Duration::from_millis(100);
/// Bytes of the agent's own memory for each connection.
const MOST_BYTES: u64 = 160;

#[test]
fn two_hundred_thousand() -> Result<()> {
    in_a_lab(|lab| {
        crowd::make_interfaces(lab)?;
        // Before an event is lost, a sweep is not due.
        let ring_bytes = (64 << 20).to_string();
        let mut agent = crowd::agent(lab, CONNECTIONS + 1_000, &["--ring-bytes", &ring_bytes])?;
        let pid = agent.process().pid();

        let before = own_bytes(pid)?;
        crowd::open(lab, 0..CONNECTIONS)?;
        wait_idle(pid)?;
        let each = own_bytes(pid)?.saturating_sub(before) / u64::from(CONNECTIONS);
        let busy = least_busy(pid)?;
        let kernel: u64 = maps::held_by(pid)?.iter().map(|map| map.bytes).sum();
        let kernel = kernel / u64::from(CONNECTIONS);
        eprintln!(
            "of a connection {each} bytes in the agent, {kernel} in the kernel; {busy:?} of a \
             processor in {IDLE:?}"
        );
        assert!(each > 0 && each < MOST_BYTES, "{each} bytes a connection");
        assert!(busy < MOST_IDLE_CPU, "{busy:?} in {IDLE:?}");
        ensure!(!agent.log().contains("WARN"), "{}", agent.log());
        Ok(())
    })
}

/// The least time of a processor that it took when it was watched.
fn least_busy(pid: u32) -> Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..TIMES {
        let before = processor_time(pid)?;
        std::thread::sleep(IDLE);
        least = least.min(processor_time(pid)? - before);
    }
    Ok(least)
}
