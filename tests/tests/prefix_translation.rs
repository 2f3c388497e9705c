//! IPv6 translation: to another address (NAT66), and of the network part alone
//! (NPTv6, RFC 6296), with connection tracking and without it.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::Result;
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Lab, Ns, Watch, in_a_lab};

use Step::{Receive, ReceiveToEnd, Send};

/// A prefix of the remote's side whose words have the same sum as those of
/// fd00:17::/64, so that checksums stay right (RFC 6296, section 3.1).
const NEUTRAL_PREFIX: [u16; 4] = [0x2001, 0xdb8, 0x113, 0xce4b];
const PORT: u16 = 22;

#[test]
fn to_one_address() -> Result<()> {
    in_a_lab(|lab| {
        lab.run(
            Ns::Gateway,
            "ip address add 2001:db8:113::7/64 dev eth1 nodad",
        )?;
        translate(
            lab,
            "oifname eth1 meta nfproto ipv6 snat ip6 to 2001:db8:113::7",
        )?;
        let to = |_| Ipv6Addr::from([0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 7]);
        check(lab, Watch::start(lab)?, to, &[])?;
        shown_both_ways("NAT66", "exact");
        Ok(())
    })
}

#[test]
fn of_the_prefix_with_conntrack() -> Result<()> {
    in_a_lab(|lab| {
        route_back(lab)?;
        let prefix = Ipv6Addr::from(prefixed(0));
        translate(
            lab,
            &format!(
                "oifname eth1 snat ip6 prefix to ip6 saddr map {{ fd00:17::/64 : {prefix}/64 }}"
            ),
        )?;
        check(lab, Watch::start(lab)?, host_kept, &[])?;
        shown_both_ways("NPTv6 with conntrack", "exact");
        Ok(())
    })
}

#[test]
fn of_the_prefix_without_conntrack() -> Result<()> {
    in_a_lab(|lab| {
        route_back(lab)?;
        let word = |words: [u16; 4]| words.map(|word| format!("{word:04x}")).concat();
        let (inside, outside) = (word([0xfd00, 0x17, 0, 0]), word(NEUTRAL_PREFIX));
        let prefix = Ipv6Addr::from(prefixed(0));
        lab.nft(
            Ns::Gateway,
            &format!(
                "table ip6 npt {{
                    chain prerouting {{
                        type filter hook prerouting priority raw;
                        iifname br0 ip6 daddr 2001:db8:113::/64 notrack
                        iifname eth1 ip6 daddr {prefix}/64 notrack @nh,192,64 set 0x{inside}
                    }}
                    chain postrouting {{
                        type filter hook postrouting priority srcnat;
                        oifname eth1 ip6 saddr fd00:17::/64 @nh,64,64 set 0x{outside}
                    }}
                }}"
            ),
        )?;
        // Without state, the remote may open, too.
        check(lab, Watch::start(lab)?, host_kept, &[PORT])?;
        shown_both_ways("NPTv6 without conntrack", "exact, both directions");
        Ok(())
    })
}

/// In place of the lab's masquerading.
fn translate(lab: &Lab, rule: &str) -> Result<()> {
    lab.nft(
        Ns::Gateway,
        &format!("flush chain inet lab postrouting\nadd rule inet lab postrouting {rule}"),
    )
}

fn route_back(lab: &Lab) -> Result<()> {
    let prefix = Ipv6Addr::from(prefixed(0));
    lab.run(
        Ns::Remote,
        &format!("ip route add {prefix}/64 via 2001:db8:113::1"),
    )?;
    Ok(())
}

fn prefixed(host: u16) -> [u16; 8] {
    let [a, b, c, d] = NEUTRAL_PREFIX;
    [a, b, c, d, 0, 0, 0, host]
}

fn host_kept(client: IpAddr) -> Ipv6Addr {
    let IpAddr::V6(client) = client else {
        panic!("an IPv4 address: {client}");
    };
    prefixed(client.segments()[7]).into()
}

/// Both clients call the remote, and are called on these ports.
fn check(
    lab: &Lab,
    watch: Watch<'_>,
    translated: impl Fn(IpAddr) -> Ipv6Addr,
    called: &[u16],
) -> Result<()> {
    let mut truths = Vec::new();
    for client in Ns::CLIENTS {
        let conversation = Conversation::new(lab, client, Family::V6);
        let done = conversation.run(
            &[Send(3_000), ReceiveToEnd],
            &[Receive(3_000), Send(50_000)],
        )?;
        truths.push(done.truth("outbound", &["fin"]));
        for &port in called {
            let public = translated(client.address(Family::V6)).into();
            let done = Conversation::new(lab, client, Family::V6)
                .client_port(port)
                .inbound(port)
                .dialling(std::net::SocketAddr::new(public, port))
                .run(&[Receive(300), Send(6_000)], &[Send(300), ReceiveToEnd])?;
            truths.push(done.truth("inbound", &["fin"]));
        }
    }
    for truth in &truths {
        assert_eq!(
            truth.translated,
            translated(truth.client),
            "the lab translates"
        );
    }
    let records = watch.finish(truths.len())?;
    assert_equal(&truths, &records);
    assert!(records.iter().all(|record| record.matched == "sequence"));
    Ok(())
}
