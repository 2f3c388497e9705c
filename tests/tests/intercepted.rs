//! The gateway answers in place of the remote, or leads to another one: the
//! record has what the client believes, and no translated address, even when
//! the gateway calls the very remote on its own.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;
use nat_acct_tests::traffic::connect::{dial, listen};
use nat_acct_tests::traffic::conversation::{Conversation, Step, accept, between};
use nat_acct_tests::watch::{Watch, shown_both_ways};
use nat_acct_tests::{Family, Lab, Ns, in_a_lab};
use nix::sys::socket::{setsockopt, sockopt};

use Step::{Meet, Receive, ReceiveToEnd, Send};

const WANTED: u16 = 8_080;
const PROXY: u16 = 3_128;

#[test]
fn by_a_proxy_on_the_gateway() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        lab.nft(
            Ns::Gateway,
            &format!(
                "add rule inet lab prerouting iifname br0 tcp dport {WANTED} redirect to :{PROXY}"
            ),
        )?;
        let watch = Watch::start(lab)?;
        let mut all = Vec::new();
        for family in Family::ALL {
            let remote = SocketAddr::new(Ns::Remote.address(family), WANTED);
            let (done, proxied) = Conversation::new(lab, Ns::Client1, family)
                .with(Ns::Gateway)
                .remote_port(PROXY)
                .dialling(remote)
                .run_with(
                    &[Send(900), Meet, Meet, ReceiveToEnd],
                    &[Receive(900), Meet, Meet, Send(30_000)],
                    || {
                        Conversation::new(lab, Ns::Gateway, family)
                            .remote_port(WANTED)
                            .run(&[Send(900), ReceiveToEnd], &[Receive(900), Send(30_000)])
                    },
                )?;
            assert_eq!(proxied?.client.peer, remote);
            assert_eq!(done.client.peer, remote, "the client does not notice");
            all.push(done);
        }
        watch.finish_without_mapping(&all, "intercepted")?;
        shown_both_ways(
            "redirected to a proxy on the gateway",
            "exact, mapping absent: intercepted",
        );
        Ok(())
    })
}

/// The gateway takes the packets as they are, with the remote's address.
#[test]
fn by_a_transparent_proxy() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        let proxy = SocketAddr::new(Ns::Gateway.address(Family::V4), PROXY);
        lab.nft(
            Ns::Gateway,
            &format!(
                "table ip transparent {{
                    chain prerouting {{
                        type filter hook prerouting priority mangle;
                        iifname br0 tcp dport {WANTED} tproxy to {proxy} meta mark set 1 accept
                    }}
                }}"
            ),
        )?;
        lab.run(Ns::Gateway, "ip rule add fwmark 1 lookup 100")?;
        lab.run(Ns::Gateway, "ip route add local default dev lo table 100")?;
        let watch = Watch::start(lab)?;
        let listener = listen(lab, Ns::Gateway, proxy)?;
        setsockopt(&listener, sockopt::IpTransparent, &true)?;
        let remote = SocketAddr::new(Ns::Remote.address(Family::V4), WANTED);
        let client = dial(lab, Ns::Client1, 0, remote)?;
        let proxy = accept(&listener)?;
        assert_eq!(proxy.local_addr()?, remote, "the proxy takes its place");
        let done = between(
            (client, &[Send(900), ReceiveToEnd]),
            (proxy, &[Receive(900), Send(30_000)]),
        )?;
        watch.finish_without_mapping(&[done], "intercepted")?;
        shown_both_ways(
            "taken by a transparent proxy",
            "exact, mapping absent: intercepted",
        );
        Ok(())
    })
}

#[test]
fn by_a_translation_of_the_remote() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        let mut all = Vec::new();
        for family in Family::ALL {
            lead_elsewhere(lab, family)?;
        }
        let watch = Watch::start(lab)?;
        for family in Family::ALL {
            all.push(
                Conversation::new(lab, Ns::Client2, family)
                    .remote_port(5_353)
                    .dialling(SocketAddr::new(absent(family), 53))
                    .run(&[Send(50), ReceiveToEnd], &[Receive(50), Send(700)])?,
            );
        }
        watch.finish_without_mapping(&all, "intercepted")?;
        shown_both_ways(
            "led to another remote",
            "exact, mapping absent: intercepted",
        );
        Ok(())
    })
}

/// Whoever calls port 53 of an address that nobody has.
fn lead_elsewhere(lab: &Lab, family: Family) -> Result<()> {
    let (ip, to) = match family {
        Family::V4 => ("ip", format!("{}:5353", Ns::Remote.address(family))),
        Family::V6 => ("ip6", format!("[{}]:5353", Ns::Remote.address(family))),
    };
    let called = absent(family);
    lab.nft(
        Ns::Gateway,
        &format!("add rule inet lab prerouting {ip} daddr {called} tcp dport 53 dnat {ip} to {to}"),
    )
}

fn absent(family: Family) -> IpAddr {
    match family {
        Family::V4 => [203, 0, 113, 99].into(),
        Family::V6 => [0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 0x99].into(),
    }
}
