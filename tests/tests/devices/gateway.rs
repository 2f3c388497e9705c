//! A lab whose gateway has another device on one side, and what every test asks of it.

use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::shapes::{self, Way};
use nat_acct_tests::traffic::conversation::{Conversation, Step::*};
use nat_acct_tests::truth::{Record, Volume, Wire, assert_equal};
use nat_acct_tests::{Agent, Family, Lab, Ns, Random, Truth, agent, in_a_lab};

const SOON: Duration = Duration::from_secs(60);

/// Runs a test in a lab if the kernel has these types of devices. Else says that it is skipped.
pub fn with_devices(
    case: &str,
    kinds: &[&str],
    test: impl FnOnce(&Lab) -> Result<()>,
) -> Result<()> {
    in_a_lab(|lab| {
        for kind in kinds {
            if !lab.has_device_type(kind)? {
                eprintln!("{case}: SKIPPED, this kernel has no devices of type {kind}");
                note(case, "skipped");
                return Ok(());
            }
        }
        test(lab)
    })
}

/// Notes the result of a case.
pub fn note(case: &str, result: &str) {
    shapes::shown(shapes::DEVICES, case, Way::Live, result);
}

/// Which devices are the inside and the outside.
pub struct Sides<'a> {
    pub inside: &'a [&'a str],
    pub outside: &'a str,
}

/// An agent between them.
pub fn agent(lab: &Lab, sides: &Sides<'_>) -> Result<Agent> {
    let mut args = vec!["run", "--outside", sides.outside];
    for inside in sides.inside {
        args.extend(["--inside", inside]);
    }
    let mut agent = Agent::spawn(lab, &agent::binary()?, &args)?;
    agent.wait_attached()?;
    Ok(agent)
}

/// The first client and the remote talk, and the records are exact: every byte of payload, every
/// packet and every IP byte that arrived at the hosts.
pub fn exact(case: &str, lab: &Lab, families: &[Family], sides: &Sides<'_>) -> Result<()> {
    let hosts = [Ns::Remote, Ns::Client1];
    for ns in [Ns::Gateway, Ns::Client1, Ns::Remote] {
        lab.cut_bundles_up(ns)?;
    }
    let arrived = hosts.map(|host| Wire::count(lab, host));
    let agent = agent(lab, sides)?;
    let truths = converse(lab, families)?;
    let records = finish(agent, truths.len())?;
    assert_equal(&truths, &records);
    let counted = [
        total(&records, |record| record.volume_sent),
        total(&records, |record| record.volume_received),
    ];
    for (arrived, counted) in arrived.into_iter().zip(counted) {
        assert_eq!(arrived?.tcp()?, counted, "{records:#?}");
    }
    note(case, "exact");
    Ok(())
}

/// A conversation of each family, through whatever is between client and remote.
pub fn converse(lab: &Lab, families: &[Family]) -> Result<Vec<Truth>> {
    let mut random = Random::seeded();
    let mut truths = Vec::new();
    for &family in families {
        let (up, down) = (random.size(100_000), random.size(100_000));
        let done = Conversation::new(lab, Ns::Client1, family)
            .run(&[Send(up), ReceiveToEnd], &[Receive(up), Send(down), Close])?;
        truths.push(done.truth("by this device", &["fin"]));
    }
    Ok(truths)
}

/// So many closing records, and the end of the agent.
pub fn finish(agent: Agent, count: usize) -> Result<Vec<Record>> {
    agent.wait_for_records(count, SOON)?;
    agent::closing(&agent.stop()?.records)
}

fn total(records: &[Record], volume: fn(&Record) -> Volume) -> Volume {
    let mut total = Volume::default();
    for Volume { packets, ip_bytes } in records.iter().map(volume) {
        total.packets += packets;
        total.ip_bytes += ip_bytes;
    }
    total
}
