//! Offloads of every device, each on and off: the same conversation gives the same
//! payload, and the packets and IP bytes that go over a wire, as the client's
//! kernel counts them.

use std::time::Duration;

use anyhow::{Result, ensure};
use nat_acct_tests::lab::device::{self, DEVICES, statistic};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::socket;
use nat_acct_tests::truth::{Record, Volume, assert_equal};
use nat_acct_tests::{Agent, Family, Lab, Ns, Truth, agent, in_a_lab};

use Step::{Close, Meet, Receive, ReceiveToEnd, Send, ShutdownWrite};

const SOON: Duration = Duration::from_secs(30);
const UP: u64 = 2_000_000;
const DOWN: u64 = 3_000_000;
/// A busy machine may lose packets, or be so late that some are sent twice; then
/// nobody knows how many were on the wire, and how long their headers were.
const ATTEMPTS: usize = 100;

/// Names for `ethtool -K`, and what `ethtool -k` calls them.
const OFFLOADS: [(&str, &str); 6] = [
    ("tso", "tcp-segmentation-offload"),
    ("gso", "generic-segmentation-offload"),
    ("gro", "generic-receive-offload"),
    ("rx", "rx-checksumming"),
    ("tx", "tx-checksumming"),
    ("sg", "scatter-gather"),
];

/// A conversation, and what its record is to say.
struct Expected {
    truth: Truth,
    /// Where nothing was lost or sent twice.
    volumes: Option<(Volume, Volume)>,
}

/// What went over the inside interface in conversations of which nothing was lost or sent twice.
#[derive(Default)]
struct Carried {
    /// As the interface counts them, a super-packet as one.
    bundles: u64,
    /// As they are on the wire.
    packets: u64,
}

#[test]
fn each_on_and_off() -> Result<()> {
    in_a_lab(|lab| {
        // No more under way than a queue of veth takes.
        for host in [Ns::Remote, Ns::Client1] {
            lab.set(host, &[("ipv4/tcp_rmem", "4096 65536 200000")])?;
        }
        let agent = Agent::start(lab, &[])?;
        let mut expected = Vec::new();
        for off in switched_off() {
            switch(lab, &off)?;
            let mut carried = Carried::default();
            for family in [Family::V4, Family::V6] {
                let label = format!("off: {off:?}");
                let clean = converse_until_clean(lab, family, &label, &mut expected)?;
                carried.bundles += clean.bundles;
                carried.packets += clean.packets;
            }
            let Carried { bundles, packets } = carried;
            match off.len() {
                0 => ensure!(bundles < packets / 2, "no bundles: {bundles} of {packets}"),
                1 => {}
                _ => ensure!(bundles >= packets, "bundles: {bundles} of {packets}"),
            }
        }
        agent.wait_for_records(expected.len(), SOON)?;
        let stopped = agent.stop()?;
        check(&expected, &agent::closing(&stopped.records)?);
        shown("Real traffic", "offloads on and off", Way::Live, "exact");
        Ok(())
    })
}

/// None, each, and all of them.
fn switched_off() -> Vec<Vec<&'static str>> {
    let names = OFFLOADS.map(|(name, _)| name);
    let each = names.iter().map(|&name| vec![name]);
    [vec![]]
        .into_iter()
        .chain(each)
        .chain([names.to_vec()])
        .collect()
}

/// Switches these off and the others on, everywhere.
fn switch(lab: &Lab, off: &[&str]) -> Result<()> {
    let state = |name: &str| if off.contains(&name) { "off" } else { "on" };
    let switches = OFFLOADS.map(|(name, _)| format!("{name} {}", state(name)));
    device::offload(lab, &switches.join(" "))?;
    for (ns, device) in DEVICES {
        let features = lab.run(ns, &format!("ethtool -k {device}"))?;
        for (name, feature) in OFFLOADS.iter().filter(|(name, _)| off.contains(name)) {
            let is_off = features.contains(&format!("{feature}: off"));
            ensure!(is_off, "{device} has {name}:\n{features}");
        }
    }
    Ok(())
}

fn converse_until_clean(
    lab: &Lab,
    family: Family,
    label: &str,
    expected: &mut Vec<Expected>,
) -> Result<Carried> {
    for _ in 0..ATTEMPTS {
        let port = 41_000 + u16::try_from(expected.len())?;
        let before = device::bundles(lab)?;
        let attempt = converse(lab, family, port, label)?;
        let bundles = device::bundles(lab)? - before;
        let clean = attempt.volumes;
        expected.push(attempt);
        if let Some((up, down)) = clean {
            let packets = up.packets + down.packets;
            return Ok(Carried { bundles, packets });
        }
    }
    anyhow::bail!("{label}: something was lost each time")
}

fn converse(lab: &Lab, family: Family, port: u16, label: &str) -> Result<Expected> {
    let remote_port = port - 36_000;
    let before = lost_or_resent(lab)?;
    let client = [
        Send(UP),
        Receive(DOWN),
        ShutdownWrite,
        Meet,
        Meet,
        ReceiveToEnd,
        Close,
    ];
    let remote = [Receive(UP), Send(DOWN), ReceiveToEnd, Meet, Meet, Close];
    let conversation = Conversation::new(lab, Ns::Client1, family)
        .client_port(port)
        .remote_port(remote_port);
    let (done, counters) = conversation.run_with(&client, &remote, || {
        socket::wait_acknowledged(lab, Ns::Client1, port)?;
        let at_client = socket::counters(lab, Ns::Client1, port)?;
        let at_remote = socket::counters(lab, Ns::Remote, remote_port)?;
        anyhow::Ok((at_client, at_remote))
    })?;
    let (at_client, at_remote) = counters?;
    // One segment each way is still to come: FIN, and its acknowledgment.
    let volumes = (
        volume(family, at_client.segments_out + 1, UP),
        volume(family, at_client.segments_in + 1, DOWN),
    );
    let reordered = at_client.out_of_order + at_remote.out_of_order;
    socket::wait_closed(lab, Ns::Remote, remote_port)?;
    let clean = reordered == 0 && lost_or_resent(lab)? == before;
    Ok(Expected {
        truth: done.truth(label, &["fin"]),
        volumes: clean.then_some(volumes),
    })
}

/// Every segment has the option for timestamps (RFC 7323), a SYN 8 bytes of
/// options more.
fn volume(family: Family, packets: u64, payload: u64) -> Volume {
    let ip_header = match family {
        Family::V4 => 20,
        Family::V6 => 40,
    };
    Volume {
        packets,
        ip_bytes: payload + packets * (ip_header + 20 + 12) + 8,
    }
}

fn check(expected: &[Expected], records: &[Record]) {
    let truths: Vec<_> = expected.iter().map(|one| one.truth.clone()).collect();
    assert_equal(&truths, records);
    for Expected { truth, volumes } in expected {
        let Some(volumes) = volumes else {
            continue;
        };
        let record = records
            .iter()
            .find(|record| Some(record.client.port()) == truth.client_port)
            .expect("a record, for they are equal");
        let counted = (record.volume_sent, record.volume_received);
        assert_eq!(&counted, volumes, "{}: {record:#?}", truth.label);
    }
}

/// Packets that the lab's devices could not hand over, and segments that its hosts sent again.
fn lost_or_resent(lab: &Lab) -> Result<u64> {
    let dropped = DEVICES.into_iter().flat_map(|(ns, device)| {
        ["tx_dropped", "rx_dropped"].map(|name| statistic(lab, ns, device, name))
    });
    let resent = [Ns::Client1, Ns::Remote].map(|ns| socket::retransmitted_segments(lab, ns));
    dropped.chain(resent).sum()
}
