//! Connections with the gateway itself, by each of its addresses and in both
//! directions: no translated address, and the record says why.

use std::net::IpAddr;

use anyhow::Result;
use nat_acct_tests::lab::translated;
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::truth::{Record, record_of};
use nat_acct_tests::watch::{Watch, shown_both_ways};
use nat_acct_tests::{Family, Ns, in_a_lab};

use Step::{Receive, ReceiveToEnd, Send};

const SENT: u64 = 3_000;
const RECEIVED: u64 = 40_000;
const CALLER: [Step; 2] = [Send(SENT), ReceiveToEnd];
const CALLED: [Step; 2] = [Receive(SENT), Send(RECEIVED)];

#[test]
fn it_is_called_and_calls() -> Result<()> {
    in_a_lab(|lab| {
        let watch = Watch::start(lab)?;
        let (mut called, mut calls) = (Vec::new(), Vec::new());
        for family in Family::ALL {
            let with_gateway = |address: IpAddr| {
                Conversation::new(lab, Ns::Client1, family)
                    .with(Ns::Gateway)
                    .remote_address(address)
                    .run(&CALLER, &CALLED)
            };
            called.push(with_gateway(Ns::Gateway.address(family))?);
            called.push(with_gateway(translated(family))?);
            let client = (Ns::Client2.address(family), 22).into();
            calls.push(
                Conversation::new(lab, Ns::Client2, family)
                    .with(Ns::Gateway)
                    .client_port(22)
                    .inbound(22)
                    .dialling(client)
                    .run(&CALLED, &CALLER)?,
            );
            // What it says to the remote is nobody's.
            Conversation::new(lab, Ns::Gateway, family).run(&CALLER, &CALLED)?;
        }
        let records = watch.finish(called.len() + calls.len())?;
        for (done, inbound) in called
            .iter()
            .map(|done| (done, false))
            .chain(calls.iter().map(|done| (done, true)))
        {
            check(&records, done, inbound);
        }
        shown_both_ways(
            "the gateway is called by a client",
            "exact, mapping absent: local",
        );
        shown_both_ways("the gateway calls a client", "exact, mapping absent: local");
        shown_both_ways("the gateway calls a remote", "no record");
        Ok(())
    })
}

fn check(records: &[Record], done: &Done, inbound: bool) {
    let record = record_of(records, done.client.local, done.client.peer);
    let said = (record.translated, record.matched.as_str(), record.inbound);
    assert_eq!(said, (None, "local", inbound), "{record:#?}");
    assert_eq!(record.streams(), done.client.streams(), "{record:#?}");
    assert_eq!((record.reason.as_str(), record.partial), ("fin", false));
}
