//! BIG TCP: super-packets above 64 KiB, whose IP header cannot say how long they
//! are. Payload is the endpoints', packets and IP bytes are those on the wire.

use anyhow::{Result, ensure};
use nat_acct_tests::lab::{big_tcp, device};
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::{Counter, Wire, assert_carried, assert_equal};
use nat_acct_tests::{Agent, Family, Lab, Ns, in_a_lab};

use Step::{Close, Receive, ReceiveToEnd, Send};

const SUPER_PACKET: u32 = 200_000;
const PAYLOAD: u64 = 40_000_000;

#[test]
fn super_packets_of_ipv4() -> Result<()> {
    in_a_lab(|lab| super_packets(lab, Family::V4, "BIG TCP, IPv4"))
}

#[test]
fn super_packets_of_ipv6() -> Result<()> {
    in_a_lab(|lab| super_packets(lab, Family::V6, "BIG TCP, IPv6"))
}

fn super_packets(lab: &Lab, family: Family, case: &str) -> Result<()> {
    allow_super_packets(lab)?;
    device::cut_up_behind_inside(lab)?;
    let super_packets = ["iifname br0", "oifname br0"].map(|way| {
        let longer = format!("{way} meta l4proto tcp meta length > 65535");
        Counter::new(lab, Ns::Gateway, "forward", &longer)
    });
    let [up, down] = super_packets;
    let (up, down) = (up?, down?);
    let at_remote = Wire::count(lab, Ns::Remote)?;
    let at_client = Wire::count(lab, Ns::Client1)?;
    let lost_before = device::dropped_behind_inside(lab)?;
    let agent = Agent::start(lab, &[])?;
    let client = [Send(PAYLOAD), ReceiveToEnd];
    let remote = [Receive(PAYLOAD), Send(PAYLOAD), Close];
    let done = Conversation::new(lab, Ns::Client1, family).run(&client, &remote)?;
    let record = agent.stop_with_one_record()?;
    for super_packets in [up.volume()?, down.volume()?] {
        ensure!(
            super_packets.ip_bytes > PAYLOAD / 4,
            "the lab made too few super-packets: {super_packets:?}"
        );
    }
    assert_equal(&[done.truth(case, &["fin"])], std::slice::from_ref(&record));
    let lost = device::dropped_behind_inside(lab)?;
    assert_carried(record.volume_sent, at_remote.tcp()?, lost.0 - lost_before.0);
    assert_carried(
        record.volume_received,
        at_client.tcp()?,
        lost.1 - lost_before.1,
    );
    shown("Real traffic", case, Way::Live, "exact");
    Ok(())
}

fn allow_super_packets(lab: &Lab) -> Result<()> {
    lab.leave_bridge_to_itself();
    for (ns, device) in device::DEVICES {
        big_tcp::allow(lab, ns, device, SUPER_PACKET)?;
    }
    // The kernel takes the jumbo header, which no segment will have, into account when it forwards
    // (net/core/gso.c, skb_gso_network_seglen).
    for device in ["br0", "eth1", "port1"] {
        lab.run(Ns::Gateway, &format!("ip link set {device} mtu 1508"))?;
    }
    // Room for several of them under way, but for no more segments than fit into
    // the queue of a processor (net.core.netdev_max_backlog).
    for host in [Ns::Remote, Ns::Client1] {
        lab.set(host, &[("ipv4/tcp_rmem", "4096 500000 800000")])?;
    }
    Ok(())
}
