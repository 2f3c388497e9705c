//! Devices with a constant initial sequence number, several of them, to the
//! same remote: the order of the packets proves who is who, or nobody is named.

use anyhow::Result;
use nat_acct_tests::lab::loss::{Hook, Loss};
use nat_acct_tests::traffic::connect::{attempt_with_isn, listen};
use nat_acct_tests::traffic::conversation::{Conversation, Step, accept, between};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Lab, Ns, Truth, Watch, in_a_lab};

use Step::{Meet, Receive, ReceiveToEnd, Send};

const ISN: u32 = 0x0815_4711;
const PORT: u16 = 5_003;

#[test]
fn one_after_the_other() -> Result<()> {
    in_a_lab(|lab| {
        let watch = Watch::start(lab)?;
        let mut truths = Vec::new();
        for family in Family::ALL {
            // The second one opens while the first one is still open.
            let (first, second) = device(lab, Ns::Client1, family).run_with(
                &[Send(300), Meet, Meet, ReceiveToEnd],
                &[Receive(300), Meet, Meet, Send(8_000)],
                || {
                    device(lab, Ns::Client2, family)
                        .run(&[Send(20), ReceiveToEnd], &[Receive(20), Send(500)])
                },
            )?;
            truths.push(first.truth("the first", &["fin"]));
            truths.push(second?.truth("the second", &["fin"]));
        }
        let records = watch.finish(truths.len())?;
        assert_equal(&truths, &records);
        assert!(records.iter().all(|record| record.matched == "sequence"));
        shown_both_ways("two clients with the same ISN, in proved order", "exact");
        Ok(())
    })
}

#[test]
fn one_overtakes_the_other() -> Result<()> {
    in_a_lab(|lab| {
        let watch = Watch::start(lab)?;
        let mut truths = Vec::new();
        for family in Family::ALL {
            truths.extend(overtaken(lab, family)?);
        }
        let records = watch.finish(truths.len())?;
        assert_eq!(records.len(), truths.len());
        for truth in &truths {
            let own = |record: &&_| is_of(record, truth);
            let record = records.iter().find(own).expect("its record");
            let said = (record.translated, record.matched.as_str());
            assert_eq!(said, (None, "ambiguous"), "{record:#?}");
            assert!(truth.sent.agrees(record.stream_sent()), "{record:#?}");
            assert!(
                truth.received.agrees(record.stream_received()),
                "{record:#?}"
            );
        }
        shown_both_ways(
            "two clients with the same ISN, one overtakes the other",
            "exact, mapping ambiguous",
        );
        Ok(())
    })
}

#[test]
fn one_port_to_many_remotes() -> Result<()> {
    in_a_lab(|lab| {
        let watch = Watch::start(lab)?;
        let mut truths = Vec::new();
        for family in Family::ALL {
            for port in 6_000..6_020 {
                let done = device(lab, Ns::Client1, family)
                    .client_port(40_000)
                    .remote_port(port)
                    .run(
                        &[Send(port.into()), ReceiveToEnd],
                        &[Receive(port.into()), Send(7)],
                    )?;
                truths.push(done.truth("one of many", &["fin"]));
            }
        }
        let records = watch.finish(truths.len())?;
        assert_equal(&truths, &records);
        assert!(records.iter().all(|record| record.matched == "sequence"));
        shown_both_ways("one client port and ISN to many remotes", "exact");
        Ok(())
    })
}

/// The gateway loses the SYN of the first client, until that of the second one
/// has got through.
fn overtaken(lab: &Lab, family: Family) -> Result<[Truth; 2]> {
    let loss = Loss::begin(lab, Ns::Gateway, Hook::Forward, PORT)?;
    let listener = listen(lab, Ns::Remote, (Ns::Remote.address(family), PORT).into())?;
    let remote = listener.local_addr()?;
    let dial = |client| {
        attempt_with_isn(lab, client, 0, Some(ISN), remote, PATIENCE)?
            .outcome
            .map_err(anyhow::Error::from)
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| dial(Ns::Client1));
        loss.wait_for(1)?;
        loss.end()?;
        // At once, while the first one waits to send again.
        let second = (dial(Ns::Client2)?, accept(&listener)?);
        let first = first.join().expect("the thread of the first")?;
        let first = (first, accept(&listener)?);
        let talk = |(client, remote), sent| {
            let script = ([Send(sent), ReceiveToEnd], [Receive(sent), Send(8_000)]);
            let done = between((client, &script.0), (remote, &script.1))?;
            anyhow::Ok(done.truth("one of two", &["fin"]))
        };
        Ok([talk(first, 300)?, talk(second, 400)?])
    })
}

fn is_of(record: &nat_acct_tests::truth::Record, truth: &Truth) -> bool {
    record.client.ip() == truth.client && Some(record.client.port()) == truth.client_port
}

fn device(lab: &Lab, client: Ns, family: Family) -> Conversation<'_> {
    Conversation::new(lab, client, family)
        .isn(ISN)
        .remote_port(PORT)
}
