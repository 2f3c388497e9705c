//! More connections than the table has room for, or more SYNs on the outside: what fits
//! is exact, what does not is counted, and nobody's traffic suffers.

use anyhow::{Result, ensure};
use nat_acct_common::layout::Cause;
use nat_acct_tests::ignored::Ignored;
use nat_acct_tests::scrape::{self, ADDRESS};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::held::{self, Held};
use nat_acct_tests::traffic::socket;
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Family, Ns, Truth, agent, in_a_lab, syns};

use Step::{Close, Receive, ReceiveToEnd, Send};

const ROOM: usize = 100;
const CONNECTIONS: usize = 1_000;

#[test]
fn what_does_not_fit_is_counted() -> Result<()> {
    in_a_lab(|lab| {
        let room = ROOM.to_string();
        let mut agent = Agent::start(lab, &["--max-connections", &room, "--metrics", ADDRESS])?;
        let ignored = Ignored::of(agent.process().pid())?;
        let listener = held::listen(lab, Family::V4)?;
        let all = held::open(lab, Ns::Client1, &listener, CONNECTIONS)?;
        let too_many = (CONNECTIONS - ROOM) as u64;
        let with_again = too_many + socket::retransmitted_segments(lab, Ns::Client1)?;
        let refused = ignored.packets(Cause::TableFull)?;
        assert!((too_many..=with_again).contains(&refused), "{refused}");

        let mut truths = talk_and_close(all)?;
        truths.truncate(ROOM);
        agent.wait_for_records(ROOM, PATIENCE)?;
        // Their places are free a moment after their records are written.
        scrape::wait_for(lab, "nat_acct_connections_open", 0.0)?;
        let later = held::open(lab, Ns::Client2, &listener, ROOM)?;
        truths.extend(talk_and_close(later)?);
        agent.wait_for_records(2 * ROOM, PATIENCE)?;
        let stopped = agent.stop()?;
        assert_equal(&truths, &agent::closing(&stopped.records)?);
        assert!(stopped.log.contains("table_full"), "{}", stopped.log);
        Ok(())
    })
}

/// Others call the gateway until there is no room for the SYN of a connection: its translated address is not
/// known then, and nothing is said of who kept it.
#[test]
fn a_syn_that_is_not_noted_is_not_said_to_be_absent() -> Result<()> {
    in_a_lab(|lab| {
        let mut agent = Agent::start(lab, &["--max-connections", &ROOM.to_string()])?;
        let ignored = Ignored::of(agent.process().pid())?;
        syns::send_to_gateway(lab, 4 * ROOM as u32)?;
        let before = ignored.packets(Cause::OutsideFull)?;
        let done = Conversation::new(lab, Ns::Client1, Family::V4).run(
            &[Send(5_000), ReceiveToEnd],
            &[Receive(5_000), Send(7_000), Close],
        )?;
        let after = ignored.packets(Cause::OutsideFull)?;
        ensure!(
            0 < before && before < after,
            "there was room: {before}, {after}"
        );

        agent.wait_for_records(1, PATIENCE)?;
        let stopped = agent.stop()?;
        let records = agent::closing(&stopped.records)?;
        let [record] = &records[..] else {
            panic!("not one record: {records:#?}");
        };
        assert_eq!(record.matched, "ambiguous", "{record:#?}");
        assert_eq!(record.translated, None, "{record:#?}");
        assert_eq!(record.client, done.client.local, "{record:#?}");
        let counted = (record.stream_sent(), record.stream_received());
        assert_eq!(counted, (5_000, 7_000), "{record:#?}");
        assert!(stopped.log.contains("outside_full"), "{}", stopped.log);
        Ok(())
    })
}

/// Each of its own size.
fn talk_and_close(all: Vec<Held>) -> Result<Vec<Truth>> {
    let talk = |(number, mut held): (u64, Held)| {
        held.exchange(100 + number, 2_000 + 3 * number)?;
        held.close("in a full table")
    };
    (0..).zip(all).map(talk).collect()
}
