//! A flood of openings beside connections that are open: these lose neither
//! record nor byte, and the flood is counted.

use std::time::Duration;

use anyhow::Result;
use etherparse::PacketBuilder;
use nat_acct_common::layout::Cause;
use nat_acct_tests::ignored::Ignored;
use nat_acct_tests::lab::{Hints, INSIDE, PacketSocket};
use nat_acct_tests::traffic::held;
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::used::resident_bytes;
use nat_acct_tests::{Agent, Family, Lab, Ns, agent, in_a_lab};

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
            let flood = scope.spawn(|| flood(lab));
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

/// SYNs from the second client, each from another address.
fn flood(lab: &Lab) -> Result<()> {
    let own = lab.ethernet_address(Ns::Client2, "eth0")?;
    let gateway = lab.ethernet_address(Ns::Gateway, INSIDE)?;
    let std::net::IpAddr::V4(remote) = Ns::Remote.address(Family::V4) else {
        anyhow::bail!("the remote has no IPv4 address");
    };
    lab.enter(Ns::Client2, || {
        let socket = PacketSocket::open("eth0")?;
        let plain = Hints {
            linear: 0,
            cut: None,
        };
        let mut frame = Vec::new();
        for number in 0..SYNS {
            let source = (0x0a00_0000 + number).to_be_bytes();
            frame.clear();
            PacketBuilder::ethernet2(own, gateway)
                .ipv4(source, remote.octets(), 64)
                .tcp(40_000, PORT, number, 64_000)
                .syn()
                .write(&mut frame, &[])?;
            socket.send(&frame, plain)?;
        }
        Ok(())
    })
}
