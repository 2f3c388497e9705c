//! Connections that the remote opens, through port forwards of the gateway.

use anyhow::Result;
use nat_acct_tests::lab::{INSIDE, OUTSIDE};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Ns, Watch, in_a_lab};

use Step::{Meet, Receive, ReceiveToEnd, Reset, Send};

/// Ports of the gateway, and where they lead.
const FORWARDS: [(u16, Ns, u16); 3] = [
    (8022, Ns::Client1, 22),
    (22, Ns::Client2, 22),
    (8080, Ns::Client2, 80),
];

#[test]
fn each_port_leads_to_its_client() -> Result<()> {
    in_a_lab(|lab| {
        for (port, client, client_port) in FORWARDS {
            lab.forward_port(port, client, client_port)?;
        }
        let watch = Watch::start(lab)?;
        let mut truths = Vec::new();
        for family in Family::ALL {
            for (port, client, client_port) in FORWARDS {
                // Of the ports that the system gives, one may come twice.
                let conversation = |number: usize| {
                    Conversation::new(lab, client, family)
                        .client_port(client_port)
                        .remote_port(41_000 + number as u16)
                        .inbound(port)
                };
                let done = conversation(truths.len())
                    .run(&[Receive(100), Send(60_000)], &[Send(100), ReceiveToEnd])?;
                assert_eq!(done.remote.peer.port(), port);
                truths.push(done.truth("inbound", &["fin"]));
                let done = conversation(truths.len()).run(
                    &[Receive(5_000), Meet, Reset],
                    &[Send(5_000), Meet, ReceiveToEnd],
                )?;
                truths.push(done.truth("inbound, reset", &["rst"]));
            }
        }
        let records = watch.finish(truths.len())?;
        assert_equal(&truths, &records);
        for record in &records {
            assert!(record.inbound, "{record:#?}");
            assert_eq!(record.matched, "sequence", "{record:#?}");
            let interfaces = [&record.ingress, &record.egress].map(|name| name.as_deref());
            assert_eq!(interfaces, [Some(OUTSIDE), Some(INSIDE)], "{record:#?}");
        }
        shown_both_ways("inbound by port forward", "exact");
        Ok(())
    })
}

/// The client sees the gateway instead of the remote.
#[test]
fn the_remote_is_translated_too() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        lab.forward_port(8022, Ns::Client1, 22)?;
        lab.nft(
            Ns::Gateway,
            "add rule inet lab postrouting iifname eth1 oifname br0 masquerade",
        )?;
        let watch = Watch::start(lab)?;
        let mut expected = Vec::new();
        for family in Family::ALL {
            let done = Conversation::new(lab, Ns::Client1, family)
                .client_port(22)
                .inbound(8022)
                .run(&[Receive(100), Send(2_000)], &[Send(100), ReceiveToEnd])?;
            assert_eq!(done.client.peer.ip(), Ns::Gateway.address(family));
            expected.push(done);
        }
        watch.finish_without_mapping(&expected, "local")?;
        shown_both_ways(
            "inbound, the remote's address translated too",
            "exact, mapping absent",
        );
        Ok(())
    })
}
