//! Two hundred thousand connections that are open at the same time: what each
//! takes in memory, and what an agent costs that has nothing to do.

use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::used::{own_bytes, processor_time};
use nat_acct_tests::{Agent, crowd, in_a_lab, maps};

const CONNECTIONS: u32 = 200_000;
/// So long both agents are watched doing nothing. The least of [`TIMES`] counts: a sweep, which comes
/// once a minute, may be in one.
const IDLE: Duration = Duration::from_secs(5);
const TIMES: usize = 3;
/// Times of what an agent takes that has no connections. Looking at all of them once a second was
/// some twenty times.
const MOST_IDLE: f64 = 4.0;
/// Bytes of the agent's own memory for each connection.
const MOST_BYTES: u64 = 160;

#[test]
fn two_hundred_thousand() -> Result<()> {
    in_a_lab(|lab| {
        crowd::make_interfaces(lab)?;
        // Before an event is lost, a sweep is not due.
        let ring_bytes = (64 << 20).to_string();
        let mut without = Agent::start(lab, &[])?;
        let mut agent = crowd::agent(lab, CONNECTIONS + 1_000, &["--ring-bytes", &ring_bytes])?;
        let pid = agent.process().pid();

        let before = own_bytes(pid)?;
        crowd::open(lab, 0..CONNECTIONS)?;
        crowd::wait_open(lab, CONNECTIONS)?;
        let each = own_bytes(pid)?.saturating_sub(before) / u64::from(CONNECTIONS);
        let idle = least_idle(pid, without.process().pid())?;
        let kernel: u64 = maps::held_by(pid)?.iter().map(|map| map.bytes).sum();
        let kernel = kernel / u64::from(CONNECTIONS);
        eprintln!(
            "of a connection {each} bytes in the agent, {kernel} in the kernel; idle it takes {idle:.1} \
             times of what one takes without connections"
        );
        assert!(each > 0 && each < MOST_BYTES, "{each} bytes a connection");
        assert!(idle < MOST_IDLE, "{idle} times");
        ensure!(!agent.log().contains("WARN"), "{}", agent.log());
        Ok(())
    })
}

/// How many times of the other's processor time an agent took, when it was the least.
fn least_idle(pid: u32, other: u32) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..TIMES {
        let before = (processor_time(pid)?, processor_time(other)?);
        std::thread::sleep(IDLE);
        let took = processor_time(pid)? - before.0;
        let other_took = processor_time(other)? - before.1;
        least = least.min(took.div_duration_f64(other_took));
    }
    Ok(least)
}
