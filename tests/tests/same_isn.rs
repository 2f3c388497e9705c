//! Devices with a constant initial sequence number, several of them, to the
//! same remote: the order of the packets proves who is who, or nobody is named.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;
use nat_acct_tests::lab::loss::{Hook, Loss};
use nat_acct_tests::traffic::connect::{attempt_with_isn, listen};
use nat_acct_tests::traffic::conversation::{Conversation, Done, Step, accept, between};
use nat_acct_tests::truth::{assert_equal, record_of};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::watch::{shown_both_ways, shown_live};
use nat_acct_tests::{Agent, Family, Lab, Ns, Truth, Watch, agent, in_a_lab};

use Step::{Meet, Receive, ReceiveToEnd, Send};

const ISN: u32 = 0x0815_4711;
const PORT: u16 = 5_003;

#[test]
fn one_after_the_other() -> Result<()> {
    proved(
        "two clients with the same ISN, in proved order",
        |lab, family| {
            // The second one opens while the first one is still open.
            let (first, second) = device(lab, Ns::Client1, family).run_with(
                &[Send(300), Meet, Meet, ReceiveToEnd],
                &[Receive(300), Meet, Meet, Send(8_000)],
                || {
                    device(lab, Ns::Client2, family)
                        .run(&[Send(20), ReceiveToEnd], &[Receive(20), Send(500)])
                },
            )?;
            Ok(vec![first, second?])
        },
    )
}

#[test]
fn one_port_to_many_remotes() -> Result<()> {
    proved("one client port and ISN to many remotes", |lab, family| {
        let talk = |port: u16| {
            let bytes = port.into();
            device(lab, Ns::Client1, family)
                .client_port(40_000)
                .remote_port(port)
                .run(&[Send(bytes), ReceiveToEnd], &[Receive(bytes), Send(7)])
        };
        (6_000..6_020).map(talk).collect()
    })
}

/// What these conversations are can be told from the order of the packets.
fn proved(case: &str, talk: impl Fn(&Lab, Family) -> Result<Vec<Done>>) -> Result<()> {
    in_a_lab(|lab| {
        let watch = Watch::start(lab)?;
        let mut truths: Vec<Truth> = Vec::new();
        for family in Family::ALL {
            let talks = talk(lab, family)?;
            truths.extend(talks.iter().map(|done| done.truth(case, &["fin"])));
        }
        let records = watch.finish(truths.len())?;
        assert_equal(&truths, &records);
        assert!(records.iter().all(|record| record.matched == "sequence"));
        shown_both_ways(case, "exact");
        Ok(())
    })
}

#[test]
fn one_overtakes_the_other() -> Result<()> {
    in_a_lab(|lab| {
        let watch = Watch::start(lab)?;
        let mut all = Vec::new();
        for family in Family::ALL {
            all.extend(overtaken(lab, family)?);
        }
        watch.finish_without_mapping(&all, "ambiguous")?;
        let case = "two clients with the same ISN, one overtakes the other";
        shown_both_ways(case, "exact, mapping absent: ambiguous");
        Ok(())
    })
}

/// The gateway loses the SYN of the first client, until that of the second one
/// has got through.
fn overtaken(lab: &Lab, family: Family) -> Result<[Done; 2]> {
    let ip = match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    };
    let selector = format!("{ip} saddr {}", Ns::Client1.address(family));
    let loss = Loss::begin(lab, Ns::Gateway, Hook::Forward, &selector)?;
    let remote = SocketAddr::new(Ns::Remote.address(family), PORT);
    let listener = listen(lab, Ns::Remote, remote)?;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| dial(lab, Ns::Client1, remote));
        loss.wait_for(1)?;
        let second = dial(lab, Ns::Client2, remote)?;
        let second = (second, accept(&listener)?);
        loss.end()?;
        let first = first.join().expect("the thread of the first")?;
        let first = (first, accept(&listener)?);
        let talk = |(client, remote): (TcpStream, TcpStream), sent| {
            let script = ([Send(sent), ReceiveToEnd], [Receive(sent), Send(8_000)]);
            between((client, &script.0), (remote, &script.1))
        };
        Ok([talk(first, 300)?, talk(second, 400)?])
    })
}

/// The gateway drops the SYN of the second client, and leads the first one, who
/// called another address, to the remote of the second one.
#[test]
fn one_is_led_to_the_remote_of_the_other() -> Result<()> {
    const CALLED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 99));
    in_a_lab(|lab| {
        lab.leave_bridge_to_itself();
        let remote = SocketAddr::new(Ns::Remote.address(Family::V4), PORT);
        lab.nft(
            Ns::Gateway,
            &format!(
                "add rule inet lab prerouting ip daddr {CALLED} tcp dport {PORT} dnat ip to {remote}\n\
                 add rule inet lab forward ip saddr {dropped} tcp dport {PORT} drop",
                dropped = Ns::Client2.address(Family::V4),
            ),
        )?;
        let agent = Agent::start(lab, &["--opening-timeout", "5s"])?;
        let attempt = attempt_with_isn(lab, Ns::Client2, 0, Some(ISN), remote, MOMENT)?;
        assert!(attempt.outcome.is_err(), "the lab drops its SYN");
        let led = device(lab, Ns::Client1, Family::V4)
            .dialling(SocketAddr::new(CALLED, PORT))
            .run(&[Send(5), ReceiveToEnd], &[Receive(5), Send(6)])?;
        agent.wait_for_records(2, PATIENCE)?;
        let records = agent::closing(&agent.stop()?.records)?;
        let ends = (led.client.local, led.client.peer);
        for (client, remote) in [ends, (attempt.local, remote)] {
            let record = record_of(&records, client, remote);
            assert_eq!(record.translated, None, "{record:#?}");
        }
        let case = "two clients with the same ISN, one led to the remote of the other";
        shown_live(case, "mapping absent");
        Ok(())
    })
}

const MOMENT: Duration = Duration::from_millis(100);

fn dial(lab: &Lab, client: Ns, remote: SocketAddr) -> Result<TcpStream> {
    Ok(attempt_with_isn(lab, client, 0, Some(ISN), remote, PATIENCE)?.outcome?)
}

fn device(lab: &Lab, client: Ns, family: Family) -> Conversation<'_> {
    Conversation::new(lab, client, family)
        .isn(ISN)
        .remote_port(PORT)
}
