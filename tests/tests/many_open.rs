//! Two hundred thousand connections that are open at the same time: what each
//! takes in memory, and what they cost an agent that has nothing to do, beside
//! one that has no connections.

use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::used::processor_time;
use nat_acct_tests::{Agent, crowd, in_a_lab, maps};

const CONNECTIONS: u32 = 200_000;
/// So long both agents are watched doing nothing. The least of each over [`TIMES`] counts: a sweep,
/// which comes once a minute, may be in one.
const IDLE: Duration = Duration::from_secs(5);
const TIMES: usize = 3;
/// Times of what an agent takes that has no connections. One that looks at all of them once a second
/// takes some twenty times.
const MOST_IDLE: f64 = 4.0;
/// Of a processor, without connections: what no machine is too slow for that does not wait in vain.
const MOST_WITHOUT: f64 = 0.2;
/// Bytes of the agent's own memory for each connection.
const MOST_BYTES: u64 = 160;

#[test]
fn two_hundred_thousand() -> Result<()> {
    in_a_lab(|lab| {
        crowd::make_interfaces(lab)?;
        // So that no event is lost, each of which would bring a sweep.
        let ring_bytes = (64 << 20).to_string();
        let mut empty = Agent::start(lab, &[])?;
        let mut agent = crowd::agent(lab, CONNECTIONS + 1_000, &["--ring-bytes", &ring_bytes])?;
        let pid = agent.process().pid();

        let each = crowd::fill(lab, &mut agent, CONNECTIONS)? / u64::from(CONNECTIONS);
        let [with, without] = least_idle([pid, empty.process().pid()])?;
        let idle = with.div_duration_f64(without);
        let kernel: u64 = maps::held_by(pid)?.iter().map(|map| map.bytes).sum();
        let kernel = kernel / u64::from(CONNECTIONS);
        eprintln!(
            "of a connection {each} bytes in the agent, {kernel} in the kernel; idle it takes {idle:.1} \
             times of what one takes without connections"
        );
        assert!(each > 0 && each < MOST_BYTES, "{each} bytes a connection");
        assert!(
            idle < MOST_IDLE,
            "{with:?}, without connections {without:?}"
        );
        assert!(
            without < IDLE.mul_f64(MOST_WITHOUT),
            "{without:?} in {IDLE:?}"
        );
        ensure!(!agent.log().contains("WARN"), "{}", agent.log());
        Ok(())
    })
}

/// The least time of a processor that each took when they were watched, both at the same time.
fn least_idle(pids: [u32; 2]) -> Result<[Duration; 2]> {
    let times = || anyhow::Ok([processor_time(pids[0])?, processor_time(pids[1])?]);
    let mut least = [Duration::MAX; 2];
    for _ in 0..TIMES {
        let before = times()?;
        std::thread::sleep(IDLE);
        let after = times()?;
        for (number, least) in least.iter_mut().enumerate() {
            *least = (*least).min(after[number] - before[number]);
        }
    }
    Ok(least)
}
