//! Openings that the firewall drops or rejects: a record without a translated
//! address that says why, and no record of what never came to the inside.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::translated;
use nat_acct_tests::traffic::connect::{Attempt, attempt};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::{Wire, record_of};
use nat_acct_tests::watch::{Watch, shown_both_ways};
use nat_acct_tests::{Family, Ns, in_a_lab};

use Step::{Receive, ReceiveToEnd, Send};

const SOON: Duration = Duration::from_secs(20);
const MOMENT: Duration = Duration::from_millis(300);

/// What the firewall does with a port, and what comes of it.
struct Case {
    name: &'static str,
    port: u16,
    verdict: &'static str,
    outcome: ErrorKind,
    waits: Duration,
    reason: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        name: "outbound, dropped by the firewall",
        port: 21,
        verdict: "drop",
        outcome: ErrorKind::TimedOut,
        waits: MOMENT,
        reason: "unanswered",
    },
    Case {
        name: "outbound, rejected with RST",
        port: 22,
        verdict: "reject with tcp reset",
        outcome: ErrorKind::ConnectionRefused,
        waits: SOON,
        reason: "rst",
    },
    Case {
        name: "outbound, rejected with ICMP",
        port: 23,
        verdict: "reject with icmpx port-unreachable",
        outcome: ErrorKind::ConnectionRefused,
        waits: SOON,
        reason: "unanswered",
    },
];

#[test]
fn by_the_firewall() -> Result<()> {
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        for case in &CASES {
            let (port, verdict) = (case.port, case.verdict);
            let rule = format!("add rule inet lab forward tcp dport {port} {verdict}");
            lab.nft(Ns::Gateway, &rule)?;
        }
        lab.forward_port(8021, Ns::Client1, 21)?;
        let wire = Wire::count(lab, Ns::Remote)?;
        let watch = Watch::start_with(lab, &["--opening-timeout", "2s"])?;
        let mut expected = Vec::new();
        for family in Family::ALL {
            for case in &CASES {
                let remote = (Ns::Remote.address(family), case.port).into();
                let Attempt { local, outcome } = attempt(lab, Ns::Client1, 0, remote, case.waits)?;
                let outcome = outcome.map_err(|error| error.kind());
                assert_eq!(outcome.err(), Some(case.outcome), "{}", case.name);
                let passed = wire.openers(case.port)?;
                assert!(passed.is_empty(), "the firewall lets it pass");
                expected.push((case, local, remote));
            }
            // The other way: nothing of it comes to the inside.
            let gateway = (translated(family), 8021).into();
            let inward = attempt(lab, Ns::Remote, 0, gateway, MOMENT)?;
            assert!(inward.outcome.is_err(), "the firewall lets it pass");
        }
        watch.agent().wait_for_closing(expected.len(), SOON)?;
        // A replay knows of the silence from what comes after it.
        Conversation::new(lab, Ns::Client2, Family::V4)
            .run(&[Send(9), ReceiveToEnd], &[Receive(9), Send(9)])?;
        let records = watch.finish(expected.len() + 1)?;
        for (case, client, remote) in expected {
            let record = record_of(&records, client, remote);
            let said = (record.matched.as_str(), record.reason.as_str());
            assert_eq!(said, ("blocked", case.reason), "{record:#?}");
            assert_eq!(record.translated, None, "{record:#?}");
            assert_eq!((record.sent, record.received), (0, 0), "{record:#?}");
        }
        for case in &CASES {
            shown_both_ways(case.name, "mapping absent: blocked");
        }
        shown_both_ways("inbound, dropped by the firewall", "no record");
        Ok(())
    })
}
