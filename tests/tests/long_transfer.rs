//! More than 4 GiB each way in one connection: sequence numbers come round, and
//! the lengths of the streams are exact.

use anyhow::Result;
use nat_acct_tests::shapes::{Way, shown};
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::truth::assert_equal;
use nat_acct_tests::{Agent, Family, Ns, in_a_lab};

use Step::{Close, Receive, ReceiveToEnd, Send};

const UP: u64 = 5_000_000_000;
const DOWN: u64 = 4_500_000_000;

#[test]
fn more_than_four_gibibytes_each_way() -> Result<()> {
    in_a_lab(|lab| {
        let agent = Agent::start(lab, &[])?;
        let client = [Send(UP), ReceiveToEnd];
        let remote = [Receive(UP), Send(DOWN), Close];
        let done = Conversation::new(lab, Ns::Client1, Family::V4).run(&client, &remote)?;
        let record = agent.stop_with_one_record()?;
        let truth = done.truth("long", &["fin"]);
        assert_equal(&[truth], std::slice::from_ref(&record));
        assert!(record.volume_sent.ip_bytes > record.sent, "{record:#?}");
        assert!(record.volume_received.ip_bytes > record.received);
        shown(
            "Real traffic",
            "more than 4 GiB each way",
            Way::Live,
            "exact",
        );
        Ok(())
    })
}
