//! Traffic that the gateway only forwards: the record says so, with the
//! client's own address as the translated one.

use anyhow::Result;
use nat_acct_tests::lab::translated;
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Lab, Ns, Watch, in_a_lab};

use Step::{Receive, ReceiveToEnd, Send};

const PORT: u16 = 22;

#[test]
fn one_client_is_translated_and_the_other_is_not() -> Result<()> {
    in_a_lab(|lab| {
        leave_untranslated(lab, Ns::Client1)?;
        let watch = Watch::start(lab)?;
        let mut truths = Vec::new();
        for family in Family::ALL {
            for client in Ns::CLIENTS {
                let done = Conversation::new(lab, client, family).run(
                    &[Send(3_000), ReceiveToEnd],
                    &[Receive(3_000), Send(50_000)],
                )?;
                let truth = done.truth("outbound", &["fin"]);
                let is_kept = truth.client == truth.translated;
                assert_eq!(is_kept, client == Ns::Client1, "{truth:#?}");
                truths.push(truth);
            }
            let own = (Ns::Client1.address(family), PORT).into();
            let done = Conversation::new(lab, Ns::Client1, family)
                .client_port(PORT)
                .inbound(PORT)
                .dialling(own)
                .run(&[Receive(700), Send(9_000)], &[Send(700), ReceiveToEnd])?;
            truths.push(done.truth("inbound", &["fin"]));
        }
        let records = watch.finish(truths.len())?;
        assert_equal(&truths, &records);
        for record in &records {
            assert_eq!(record.matched, "sequence", "{record:#?}");
            let is_first = Family::ALL.map(|family| Ns::Client1.address(family));
            if is_first.contains(&record.client.ip()) {
                assert_eq!(record.translated, Some(record.client), "{record:#?}");
            }
        }
        shown_both_ways("forwarded without translation", "exact, the client itself");
        Ok(())
    })
}

/// Both ways between this client and the remote.
fn leave_untranslated(lab: &Lab, client: Ns) -> Result<()> {
    for (family, ip) in Family::ALL.into_iter().zip(["ip", "ip6"]) {
        let (own, router) = (client.address(family), translated(family));
        lab.nft(
            Ns::Gateway,
            &format!("insert rule inet lab postrouting {ip} saddr {own} accept"),
        )?;
        lab.run(Ns::Remote, &format!("ip route add {own} via {router}"))?;
    }
    Ok(())
}
