//! A flood of openings beside connections that are open: these lose neither
//! record nor byte, and the flood is counted.

use std::time::Duration;

use anyhow::Result;
use nat_acct_common::layout::Cause;
use nat_acct_tests::ignored::Ignored;
use nat_acct_tests::traffic::held;
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::used::resident_bytes;
use nat_acct_tests::{Agent, Family, Ns, agent, in_a_lab, syns};

const ROOM: u64 = 2_000;
/// The agent's bound for openings that wait for an answer.
const HALF_OPEN: u64 = ROOM / 2;
const CONNECTIONS: usize = 500;
const SYNS: u32 = 200_000;
/// The flood's port of the remote; nothing for it leaves the gateway.
const PORT: u16 = 81;
/// The agent may take so much more memory, in bytes.
const MOST_GROWTH: u64 = 8 << 20;
const SOON: Duration = Duration::from_secs(30);

#[test]
fn open_connections_lose_nothing() -> Result<()> {
    in_a_lab(|lab| {
        let drop = format!("insert rule inet lab forward tcp dport {PORT} drop");
        lab.nft(Ns::Gateway, &drop)?;
        let mut agent = Agent::start(lab, &["--max-connections", &ROOM.to_string()])?;
        let pid = agent.process().pid();
        let listener = held::listen(lab, Family::V4)?;
        let mut all = held::open(lab, Ns::Client1, &listener, CONNECTIONS)?;
        let before = resident_bytes(pid)?;
        let truths = std::thread::scope(|scope| {
            let flood = scope.spawn(|| syns::send(lab, Ns::Client2, SYNS, |_| PORT));
            let mut truths = Vec::new();
            for (number, held) in (0..).zip(&mut all) {
                held.exchange(1_000 + number, 5_000 + 7 * number)?;
            }
            flood.join().expect("the thread of the flood")?;
            for mut held in all {
                held.exchange(10, 10)?;
                truths.push(held.close("beside a flood")?);
            }
            anyhow::Ok(truths)
        })?;
        agent.wait_for_records(CONNECTIONS, SOON)?;
        let counted = Ignored::of(pid)?.packets(Cause::HalfOpenFull)?;
        assert_eq!(counted, u64::from(SYNS) - HALF_OPEN);
        let growth = resident_bytes(pid)?.saturating_sub(before);
        assert!(growth < MOST_GROWTH, "{growth} bytes more");

        let stopped = agent.stop()?;
        assert!(stopped.log.contains("half_open_full"), "{}", stopped.log);
        let records = agent::closing(&stopped.records)?;
        let (of_flood, others): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|record| record.remote.port() == PORT);
        assert_eq!(of_flood.len() as u64, HALF_OPEN);
        assert_equal(&truths, &others);
        Ok(())
    })
}
