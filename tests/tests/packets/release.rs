//! What connections had is free when their records are written, in one go for all: as many fit in then as
//! before. Each needs a slot and a bucket; every other is not answered, and needs a permit.

use anyhow::{Context, Result, ensure};
use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep, TcpHeader};
use nat_acct::engine::Event;
use nat_acct::source::live::Live;
use nat_acct_common::layout::{Cause, MAX_RELEASED};
use nat_acct_tests::in_a_lab;
use nix::net::if_::if_nametoindex;

use crate::hooks::{self, INSIDE, NS};
use crate::test_run::{context, load, show};

const CONNECTIONS: u16 = 1_024;
const ROUNDS: u16 = 5;
const _: () = assert!(CONNECTIONS as u32 > 3 * MAX_RELEASED);

const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 2];
const CLIENT: [u8; 4] = [192, 168, 17, 11];
const REMOTE: [u8; 4] = [203, 0, 113, 80];

#[test]
fn as_many_connections_fit_in_again() -> Result<()> {
    in_a_lab(|lab| {
        let _tuns = hooks::make(lab)?;
        lab.enter(NS, || {
            let mut live = load(CONNECTIONS.into())?;
            for round in 0..ROUNDS {
                let opened = open_all(&mut live, round * CONNECTIONS)?;
                ensure!(opened == CONNECTIONS, "{opened} fit in, in round {round}");
                release_all(&mut live)?;
            }
            // In spare places are those whose set is full: of half as many connections as buckets, a few.
            let overflowed = count(&live, Cause::Overflowed)?;
            let is_few = overflowed < (CONNECTIONS / 4).into();
            ensure!(is_few, "{overflowed} were in spare places");
            Ok(())
        })
    })
}

/// Opens connections, from this port on, until one is refused; says how many it were.
fn open_all(live: &mut Live, first_port: u16) -> Result<u16> {
    let context = context(if_nametoindex(INSIDE[0])?, 0);
    let before = refused(live)?;
    let mut opened = 0;
    loop {
        let port = first_port + opened;
        show(live, "inside_ingress", &context, &syn(port)?)?;
        if refused(live)? > before {
            return Ok(opened);
        }
        if opened % 2 == 0 {
            show(live, "inside_egress", &context, &syn_ack(port)?)?;
            show(live, "inside_ingress", &context, &ack(port)?)?;
        }
        while live.next_event().is_some() {}
        opened += 1;
    }
}

/// Retires, harvests and releases them.
fn release_all(live: &mut Live) -> Result<()> {
    let slots = 1..live.slots();
    let retired: Vec<_> = slots.filter_map(|slot| live.retire(slot)).collect();
    let open = retired.len();
    ensure!(open == usize::from(CONNECTIONS), "{open} are open");
    for retired in &retired {
        let harvested = live.harvest(retired);
        ensure!(matches!(harvested, Some(Event::Harvested(..))), "no facts");
    }
    live.release(&retired)
}

fn refused(live: &Live) -> Result<u64> {
    let causes = [Cause::HalfOpenFull, Cause::TableFull, Cause::NoPlace];
    causes.into_iter().map(|cause| count(live, cause)).sum()
}

fn count(live: &Live, wanted: Cause) -> Result<u64> {
    let mut ignored = live.ignored()?.into_iter();
    let found = ignored.find(|(cause, _)| *cause == wanted);
    Ok(found.context("no such cause")?.1.packets)
}

/// The SYN of a connection of its own.
fn syn(port: u16) -> Result<Vec<u8>> {
    frame([CLIENT, REMOTE], |ip| ip.tcp(port, 80, 1, 64_000).syn())
}

fn syn_ack(port: u16) -> Result<Vec<u8>> {
    frame([REMOTE, CLIENT], |ip| {
        ip.tcp(80, port, 5, 64_000).syn().ack(2)
    })
}

fn ack(port: u16) -> Result<Vec<u8>> {
    frame([CLIENT, REMOTE], |ip| ip.tcp(port, 80, 2, 64_000).ack(6))
}

fn frame(
    [source, destination]: [[u8; 4]; 2],
    tcp: impl FnOnce(PacketBuilderStep<IpHeaders>) -> PacketBuilderStep<TcpHeader>,
) -> Result<Vec<u8>> {
    let ethernet = PacketBuilder::ethernet2(OTHER, GATEWAY);
    let mut bytes = Vec::new();
    tcp(ethernet.ipv4(source, destination, 64)).write(&mut bytes, &[])?;
    Ok(bytes)
}
