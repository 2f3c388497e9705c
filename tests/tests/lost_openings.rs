//! A SYN that is lost in the gateway or behind it and sent again: the mapping is
//! found, and the record begins with the first SYN.

use anyhow::Result;
use nat_acct_tests::lab::loss::{Hook, Loss};
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step};
use nat_acct_tests::truth::{Record, assert_equal};
use nat_acct_tests::watch::shown_both_ways;
use nat_acct_tests::{Family, Lab, Ns, Watch, in_a_lab};

use Step::{Receive, ReceiveToEnd, Send};

const PORT: u16 = 5_003;
/// The kernel waits a second for an answer, and then at least another one.
const TWO_RETRIES_S: f64 = 2.0;

#[test]
fn lost_in_the_gateway() -> Result<()> {
    check(
        Ns::Gateway,
        Hook::Forward,
        "SYN seen again on the inside only",
    )
}

#[test]
fn lost_behind_the_gateway() -> Result<()> {
    check(Ns::Remote, Hook::Input, "SYN seen again on both sides")
}

fn check(at: Ns, hook: Hook, case: &str) -> Result<()> {
    in_a_lab(|lab| {
        let watch = Watch::start(lab)?;
        let mut truths = Vec::new();
        for family in Family::ALL {
            let done = after_two_losses(lab, family, at, hook)?;
            truths.push(done.truth(case, &["fin"]));
        }
        let records = watch.finish(truths.len())?;
        assert_equal(&truths, &records);
        for record in &records {
            assert_eq!(record.matched, "sequence", "{record:#?}");
            assert!(duration_s(record)? >= TWO_RETRIES_S * 0.9, "{record:#?}");
        }
        shown_both_ways(case, "exact");
        Ok(())
    })
}

/// A conversation of which only the third SYN gets through.
fn after_two_losses(lab: &Lab, family: Family, at: Ns, hook: Hook) -> Result<Done> {
    let loss = Loss::begin(lab, at, hook, &format!("tcp dport {PORT}"))?;
    std::thread::scope(|scope| {
        let talk = scope.spawn(|| {
            Conversation::new(lab, Ns::Client1, family)
                .remote_port(PORT)
                .run(
                    &[Send(4_000), ReceiveToEnd],
                    &[Receive(4_000), Send(90_000)],
                )
        });
        loss.wait_for(2)?;
        loss.end()?;
        talk.join().expect("the thread of the conversation")
    })
}

/// From start to end, which are of one day but for a test at midnight.
fn duration_s(record: &Record) -> Result<f64> {
    let seconds = |time: &str| -> Result<f64> {
        let of_day = time.trim_end_matches('Z').split('T').nth(1);
        of_day
            .unwrap_or_default()
            .split(':')
            .try_fold(0.0, |sum, part| Ok(sum * 60.0 + part.parse::<f64>()?))
    };
    Ok((seconds(&record.end)? - seconds(&record.start)?).rem_euclid(86_400.0))
}
