//! Devices without an Ethernet header, outside or inside: tun, with and without
//! super-packets. Counts are the endpoints', packets are those on the wire, the
//! translated address is conntrack's.

use anyhow::{Result, ensure};
use nat_acct_tests::lab::device::statistic;
use nat_acct_tests::lab::tun::{self, Packets, Tun};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::{Counter, Record, Wire, assert_carried, assert_equal, conntrack};
use nat_acct_tests::{Agent, Family, Lab, Ns, in_a_lab};

use Step::{Close, Receive, ReceiveToEnd, Send};

const UP: u64 = 3_000_000;
const DOWN: u64 = 5_000_000;
/// An MTU that no packet on a wire exceeds.
const MTU: u64 = 1_500;

/// Puts tun devices somewhere.
type Build = fn(&Lab, Packets) -> Result<Tun>;

#[test]
fn outside() -> Result<()> {
    let dropping = ["eth1", "port1"];
    single_packets(tun::outside, dropping, "tun outside")
}

#[test]
fn inside() -> Result<()> {
    let dropping = ["eth1", "br0"];
    single_packets(tun::inside, dropping, "tun inside")
}

#[test]
fn outside_with_super_packets() -> Result<()> {
    super_packets(tun::outside, "tun outside, super-packets")
}

#[test]
fn inside_with_super_packets() -> Result<()> {
    super_packets(tun::inside, "tun inside, super-packets")
}

/// The devices behind the inside interface drop what their other end does not
/// take in time: up, and down.
fn single_packets(build: Build, dropping: [&str; 2], case: &str) -> Result<()> {
    in_a_lab(|lab| {
        let _tun = build(lab, Packets::Single)?;
        let dropped = || -> Result<[u64; 2]> {
            let [up, down] = dropping.map(|name| statistic(lab, Ns::Gateway, name, "tx_dropped"));
            Ok([up?, down?])
        };
        // The link that is still one of veth cuts super-packets up, too.
        for device in dropping {
            let off = format!("ethtool -K {device} tso off gso off gro off");
            lab.run(Ns::Gateway, &off)?;
        }
        let at_remote = Wire::count(lab, Ns::Remote)?;
        let at_client = Wire::count(lab, Ns::Client1)?;
        for family in [Family::V4, Family::V6] {
            let before = (at_remote.tcp()?, at_client.tcp()?, dropped()?);
            let record = converse(lab, family)?;
            let lost = dropped()?;
            let (sent, received) = (at_remote.tcp()? - before.0, at_client.tcp()? - before.1);
            assert_carried(record.volume_sent, sent, lost[0] - before.2[0]);
            assert_carried(record.volume_received, received, lost[1] - before.2[1]);
        }
        shown("Real traffic", case, Way::Live, "exact");
        Ok(())
    })
}

fn super_packets(build: Build, case: &str) -> Result<()> {
    in_a_lab(|lab| {
        let _tun = build(lab, Packets::Super)?;
        let longer = format!("meta l4proto tcp meta length > {MTU}");
        let super_packets = Counter::new(lab, Ns::Gateway, "forward", &longer)?;
        for family in [Family::V4, Family::V6] {
            converse(lab, family)?;
        }
        let carried = super_packets.volume()?.ip_bytes;
        ensure!(carried > UP + DOWN, "few super-packets: {carried}");
        shown("Real traffic", case, Way::Live, "exact");
        Ok(())
    })
}

fn converse(lab: &Lab, family: Family) -> Result<Record> {
    // No more under way than fits into the queue of a tun device.
    for host in [Ns::Remote, Ns::Client1] {
        lab.set(host, &[("ipv4/tcp_rmem", "4096 131072 400000")])?;
    }
    let agent = Agent::start(lab, &[])?;
    let client = [Send(UP), ReceiveToEnd];
    let remote = [Receive(UP), Send(DOWN), Close];
    let done = Conversation::new(lab, Ns::Client1, family).run(&client, &remote)?;
    let record = agent.stop_with_one_record()?;
    let truth = done.truth("by tun", &["fin"]);
    assert_equal(&[truth], std::slice::from_ref(&record));
    let translated = conntrack::translated(lab, done.client.local)?;
    assert_eq!(record.translated, Some(translated));
    Ok(record)
}
