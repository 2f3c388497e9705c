//! Live and replay agree: both interfaces are captured while the agent runs, and
//! the records made from the capture are those that the agent wrote.

use anyhow::Result;
use nat_acct_tests::lab::device;
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::mixed::{CLIENTS, Servers};
use nat_acct_tests::{Family, Lab, Ns, Watch, in_a_lab};

#[test]
fn the_records_are_the_same() -> Result<()> {
    in_a_lab(|lab| {
        // A capture cannot tell how many segments a bundle becomes on the wire.
        device::send_segments_one_by_one(lab)?;
        let servers = Servers::start(lab)?;
        let watch = Watch::start(lab)?;
        let connections = mixed_traffic(lab, &servers)?;
        watch.finish(connections)?;
        Ok(())
    })
}

/// Everything that the demo sends, and resets. Returns the number of connections.
fn mixed_traffic(lab: &Lab, servers: &Servers) -> Result<usize> {
    let mut connections = 0;
    std::thread::scope(|scope| {
        let clients = CLIENTS.map(|plan| scope.spawn(move || plan.run(lab, servers)));
        for client in clients {
            connections += client.join().expect("a client's thread")?.len();
        }
        anyhow::Ok(())
    })?;
    for family in [Family::V4, Family::V6] {
        let client = [Step::Send(5_000), Step::Receive(70_000), Step::Reset];
        let remote = [Step::Receive(5_000), Step::Send(70_000), Step::ReceiveToEnd];
        Conversation::new(lab, Ns::Client1, family).run(&client, &remote)?;
        connections += 1;
    }
    Ok(connections)
}
