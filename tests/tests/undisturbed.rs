//! Traffic does not notice the agent: when it is killed, when its maps are full,
//! when it does not keep up, and when packets are none that it understands.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::translated;
use nat_acct_tests::scrape::{self, ADDRESS};
use nat_acct_tests::server::Nginx;
use nat_acct_tests::traffic::conversation::{Conversation, Step, accept, play};
use nat_acct_tests::traffic::{connect, held, http, socket};
use nat_acct_tests::truth::{Record, assert_equal, compare};
use nat_acct_tests::wait::PATIENCE;
use nat_acct_tests::{Agent, Count, Family, Lab, Ns, Random, Truth, agent, in_a_lab, wait_until};
use nix::sys::signal::Signal;

use Step::{Close, Receive, ReceiveToEnd, Send};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
const SOON: Duration = Duration::from_secs(60);

#[test]
fn the_agent_is_killed_in_the_middle_of_a_transfer() -> Result<()> {
    in_a_lab(|lab| {
        for family in FAMILIES {
            let agent = Agent::start(lab, &[])?;
            let listener = held::listen(lab, family)?;
            let mut open = held::open(lab, Ns::Client1, &listener, 1)?;
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let transfer = scope.spawn(|| open[0].upload_until(&is_over));
                let killed = kill_in_the_middle(lab, agent);
                is_over.store(true, Ordering::Relaxed);
                transfer.join().expect("the thread of the transfer")?;
                killed
            })?;
        }
        Ok(())
    })
}

fn kill_in_the_middle(lab: &Lab, agent: Agent) -> Result<()> {
    wait_for_transfer(lab, "the transfer to be under way")?;
    agent.kill()?;
    wait_for_transfer(lab, "the transfer to go on")
}

fn wait_for_transfer(lab: &Lab, what: &str) -> Result<()> {
    let before = forwarded_bytes(lab)?;
    wait_until(PATIENCE, what, || {
        let forwarded = forwarded_bytes(lab)? - before;
        Ok((forwarded > 10_000_000).then_some(()))
    })
}

#[test]
fn the_maps_are_full() -> Result<()> {
    const PLACES: usize = 16;
    const CONNECTIONS: usize = 200;
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let places = PLACES.to_string();
        let agent = Agent::start(lab, &["--max-connections", &places, "--metrics", ADDRESS])?;
        let open = open_many(lab, CONNECTIONS)?;
        let retransmitted = socket::retransmitted_segments(lab, Ns::Client1)?;
        let truths = play_all(open, &mut random)?;
        assert_eq!(truths.len(), CONNECTIONS);
        for truth in &truths {
            assert!(matches!(truth.sent, Count::Exact(_)), "{truth:?}");
            assert!(matches!(truth.received, Count::Exact(_)), "{truth:?}");
        }
        let records = agent.wait_for_closing(PLACES, SOON)?;
        assert_eq!(records.len(), PLACES, "{records:#?}");
        let rows = compare(&truths, &records);
        assert_eq!(rows.len(), CONNECTIONS, "each record has a truth");
        let right = rows.iter().filter(|row| row.equal()).count();
        assert_eq!(right, PLACES, "{records:#?}");

        // Places are free a moment after their records are written.
        scrape::wait_for(lab, "nat_acct_connections_open", 0.0)?;
        let mut later = Vec::new();
        for family in FAMILIES {
            let done = Conversation::new(lab, Ns::Client2, family).run(
                &[Send(1_000), ReceiveToEnd],
                &[Receive(1_000), Send(20_000), Close],
            )?;
            later.push(done.truth("later", &["fin"]));
        }
        agent.wait_for_records(PLACES + later.len(), SOON)?;
        let stopped = agent.stop()?;
        let records = agent::closing(&stopped.records)?;
        assert_equal(&later, &records[PLACES..]);
        let refused = refused(&stopped.log);
        let expected = (CONNECTIONS - PLACES) as u64;
        assert!(
            (expected..=expected + retransmitted).contains(&refused),
            "{refused} for {expected} connections:\n{}",
            stopped.log
        );
        Ok(())
    })
}

/// What the log says of connections that were not taken on.
fn refused(log: &str) -> u64 {
    let lines = log.lines().filter(|line| line.contains("table_full"));
    let total = |line: &str| {
        let (_, rest) = line.split_once("total=")?;
        rest.split_whitespace().next()?.parse().ok()
    };
    lines.filter_map(total).max().unwrap_or(0)
}

/// Both ends of many connections that are open at the same time.
fn open_many(lab: &Lab, count: usize) -> Result<Vec<(TcpStream, TcpStream)>> {
    let address = (Ns::Remote.address(Family::V4), 5_001).into();
    let listener = connect::listen(lab, Ns::Remote, address)?;
    let open = || {
        let client = connect::dial(lab, Ns::Client1, 0, address)?;
        Ok((client, accept(&listener)?))
    };
    std::iter::repeat_with(open).take(count).collect()
}

fn play_all(open: Vec<(TcpStream, TcpStream)>, random: &mut Random) -> Result<Vec<Truth>> {
    let meeting = Barrier::new(2);
    let mut truths = Vec::new();
    for (client, remote) in open {
        let (up, down) = (random.size(20_000), random.size(20_000));
        let (client, remote) = std::thread::scope(|scope| {
            let script = [Receive(up), Send(down), Close];
            let meeting = &meeting;
            let remote = scope.spawn(move || play(remote, &script, meeting));
            let client = play(client, &[Send(up), ReceiveToEnd], meeting)?;
            let remote = remote.join().expect("the remote's thread")?;
            anyhow::Ok((client, remote))
        })?;
        truths.push(Truth {
            label: "one of many".to_owned(),
            client: client.local.ip(),
            client_port: Some(client.local.port()),
            remote: remote.local,
            translated: remote.peer.ip(),
            translated_port: Some(remote.peer.port()),
            sent: Count::of(client.sent, remote.received),
            received: Count::of(remote.sent, client.received),
            reasons: &["fin"],
        });
    }
    Ok(truths)
}

#[test]
fn the_smallest_ring_buffer_loses_no_record() -> Result<()> {
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        for (linger, family) in [("1s", Family::V6), ("0s", Family::V4)] {
            let agent = Agent::start(lab, &["--ring-bytes", "4096", "--linger", linger])?;
            let truths = fetch(lab, &nginx, family, 1_000, 50)?;
            agent.wait_for_records(truths.len(), SOON)?;
            let stopped = agent.stop()?;
            all_matched(&truths, &agent::closing(&stopped.records)?);
        }
        Ok(())
    })
}

#[test]
fn an_agent_that_stands_still_catches_up() -> Result<()> {
    const BLOCKED_PORT: u16 = 14;
    in_a_lab(|lab| {
        let nginx = Nginx::start(lab)?;
        lab.nft(
            Ns::Gateway,
            &format!("add rule inet lab forward tcp dport {BLOCKED_PORT} drop"),
        )?;
        // Of the ring buffer a connection takes 112 bytes, 64 of them for the SYN on the
        // outside, and a blocked opening 16: so many of them go before that each event of
        // a connection is once the first that is lost.
        for blocked in 0..7 {
            let args = ["--ring-bytes", "4096", "--linger", "0s"];
            let mut agent = Agent::start(lab, &args)?;
            agent.process().signal(Signal::SIGSTOP)?;
            let truths = knock(lab, blocked, BLOCKED_PORT)
                .and_then(|()| fetch(lab, &nginx, Family::V4, 100, 1));
            agent.process().signal(Signal::SIGCONT)?;
            let truths = truths?;
            agent.wait_for_records(truths.len(), SOON)?;
            let stopped = agent.stop()?;
            assert!(stopped.log.contains("event_lost"), "{}", stopped.log);
            let mut records = agent::closing(&stopped.records)?;
            records.retain(|record| record.remote.port() != BLOCKED_PORT);
            all_matched(&truths, &records);
        }
        Ok(())
    })
}

/// Openings that the gateway drops.
fn knock(lab: &Lab, count: usize, port: u16) -> Result<()> {
    let remote = (Ns::Remote.address(Family::V4), port).into();
    for _ in 0..count {
        let moment = Duration::from_millis(50);
        let attempt = connect::attempt(lab, Ns::Client2, 0, remote, moment)?;
        ensure!(attempt.outcome.is_err(), "the gateway let {remote} through");
    }
    Ok(())
}

fn fetch(
    lab: &Lab,
    nginx: &Nginx,
    family: Family,
    connections: usize,
    at_once: usize,
) -> Result<Vec<Truth>> {
    let wanted = http::Fetches {
        client: Ns::Client1,
        family,
        path: nginx.publish(1_000)?,
        port: Nginx::ONE_SHOT,
        connections,
        at_once,
    };
    http::fetch_many(lab, nginx, &wanted)
}

#[track_caller]
fn all_matched(truths: &[Truth], records: &[Record]) {
    assert_equal(truths, records);
    let unmatched: Vec<_> = records.iter().filter(|r| r.matched != "sequence").collect();
    assert!(unmatched.is_empty(), "{unmatched:#?}");
}

#[test]
fn udp_icmp_and_fragments_pass() -> Result<()> {
    in_a_lab(|lab| {
        let agent = Agent::start(lab, &[])?;
        for family in FAMILIES {
            // More than fits into a packet is sent in fragments.
            for size in [1, 1_000, 4_000, 60_000] {
                udp_echo(lab, family, size).with_context(|| format!("{family:?} {size}"))?;
            }
            icmp_comes_back(lab, family)?;
        }
        untouched(lab, agent)
    })
}

/// A datagram to the remote and back.
fn udp_echo(lab: &Lab, family: Family, size: usize) -> Result<()> {
    let remote = udp(lab, Ns::Remote, (Ns::Remote.address(family), 0).into())?;
    let client = udp(lab, Ns::Client1, (Ns::Client1.address(family), 0).into())?;
    let question = nat_acct_tests::traffic::payload(size as u64);
    let mut buffer = vec![0; 65_536];
    client.send_to(&question, remote.local_addr()?)?;
    let (length, from) = remote.recv_from(&mut buffer)?;
    assert_eq!(&buffer[..length], &question[..]);
    assert_eq!(from.ip(), translated(family));
    remote.send_to(&buffer[..length], from)?;
    let (length, from) = client.recv_from(&mut buffer)?;
    assert_eq!(&buffer[..length], &question[..]);
    assert_eq!(from, remote.local_addr()?);
    Ok(())
}

/// The remote's ICMP message that nobody listens comes to the client's socket.
fn icmp_comes_back(lab: &Lab, family: Family) -> Result<()> {
    let client = udp(lab, Ns::Client1, (Ns::Client1.address(family), 0).into())?;
    client.connect((Ns::Remote.address(family), 9))?;
    client.send(b"anybody there?")?;
    let refused = client.recv(&mut [0; 10]);
    let kind = refused.err().map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::ConnectionRefused));
    Ok(())
}

fn udp(lab: &Lab, ns: Ns, address: SocketAddr) -> Result<UdpSocket> {
    lab.enter(ns, || {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(SOON))?;
        Ok(socket)
    })
}

#[test]
fn garbage_passes() -> Result<()> {
    in_a_lab(|lab| {
        let mut random = Random::seeded();
        let agent = Agent::start(lab, &[])?;
        let frames = garbage(&mut random);
        lab.leave_bridge_to_itself();
        // Behind the hook of the inside interface, only ours is to be counted.
        lab.nft(
            Ns::Gateway,
            "add table netdev garbage\n\
             add counter netdev garbage seen\n\
             add chain netdev garbage in { type filter hook ingress device \"br0\" priority 0; }\n\
             add rule netdev garbage in ether saddr 02:67:61:72:62:67 counter name seen",
        )?;
        send_frames(lab, &frames)?;
        wait_until(SOON, "all frames behind the agent's hook", || {
            let counter = "nft -j list counter netdev garbage seen";
            let said = lab.run(Ns::Gateway, counter)?;
            let wanted = format!("\"packets\": {},", frames.len());
            Ok(said.contains(&wanted).then_some(()))
        })?;
        untouched(lab, agent)
    })
}

/// Frames with an address of their own, from what looks nearly right to noise.
fn garbage(random: &mut Random) -> Vec<Vec<u8>> {
    let ipv4 = |ihl_words: u8, total: u16, fragment: u16, tcp: &[u8]| {
        let mut packet = vec![0x40 | ihl_words, 0];
        packet.extend(total.to_be_bytes());
        packet.extend([0, 1]);
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, 6, 0, 0, 192, 168, 17, 11, 203, 0, 113, 80]);
        packet.extend(tcp);
        packet
    };
    let tcp = |offset_words: u8, flags: u8| {
        let mut header = vec![0x9c, 0x41, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0];
        header.extend([offset_words << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        header
    };
    let mut ipv6_chain = vec![0x60, 0, 0, 0, 0, 200, 0, 64];
    ipv6_chain.extend([0xfd; 32]);
    ipv6_chain.extend([0, 0, 0, 0, 0, 0, 0, 0].repeat(25));
    let mut frames = vec![
        frame(0x0800, &[]),
        frame(0x0800, &[0x45]),
        frame(0x86dd, &[0x60, 0, 0]),
        frame(0x0800, &ipv4(15, 40, 0, &tcp(5, 0x18))),
        frame(0x0800, &ipv4(0, 40, 0, &tcp(5, 0x18))),
        frame(0x0800, &ipv4(5, 40, 0, &tcp(0, 0x18))),
        frame(0x0800, &ipv4(5, 40, 0, &tcp(15, 0x18))),
        frame(0x0800, &ipv4(5, 65_535, 0, &tcp(5, 0x18))),
        frame(0x0800, &ipv4(5, 0, 0, &tcp(5, 0x18))),
        frame(0x0800, &ipv4(5, 24, 0, &tcp(5, 0x18)[..4])),
        frame(0x0800, &ipv4(5, 40, 0x2001, &tcp(5, 0x18))),
        frame(0x0800, &ipv4(5, 40, 0, &tcp(5, 0xff))),
        frame(0x0800, &ipv4(5, 40, 0, &tcp(5, 0))),
        frame(0x86dd, &ipv6_chain),
        frame(0x8100, &[0, 5, 0x08, 0, 0x45, 0]),
        frame(0x8100, &[0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, 0x81, 0, 0, 8]),
        frame(0x88a8, &[0, 5, 0x81, 0, 0, 6, 0x08, 0, 0x45]),
        frame(0x8863, &[0x11, 9, 0, 0]),
        frame(0x8864, &[0x11, 0, 0, 1, 0xff, 0xff, 0, 0x21, 0x45]),
        frame(0xffff, &[0xff; 1_400]),
    ];
    for kind in [0x0800, 0x86dd, 0x8100, 0x88a8, 0x8864] {
        for _ in 0..8 {
            // A tag that is not whole would not even pass the bridge.
            let length = 8 + usize::try_from(random.below(1_400)).unwrap_or_default();
            frames.push(frame(kind, &random.bytes(length)));
        }
    }
    frames
}

fn frame(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(b"\x02garbg");
    frame.extend(kind.to_be_bytes());
    frame.extend(content);
    frame
}

/// Writes the frames to the client's interface as they are.
fn send_frames(lab: &Lab, frames: &[Vec<u8>]) -> Result<()> {
    let path = lab.dir().join("frame");
    for frame in frames {
        fs::write(&path, frame)?;
        let mut socat = lab.command(Ns::Client1, "socat");
        socat
            .args(["-u", "-", "INTERFACE:eth0"])
            .stdin(File::open(&path)?);
        ensure!(socat.status()?.success(), "socat did not send {frame:02x?}");
    }
    Ok(())
}

/// After all that, the agent is alive, and accounts what it understands and
/// nothing else.
fn untouched(lab: &Lab, agent: Agent) -> Result<()> {
    let mut truths = Vec::new();
    for family in FAMILIES {
        let done = Conversation::new(lab, Ns::Client1, family).run(
            &[Send(40_000), ReceiveToEnd],
            &[Receive(40_000), Send(4_000), Close],
        )?;
        truths.push(done.truth("after it", &["fin"]));
    }
    agent.wait_for_records(truths.len(), SOON)?;
    let stopped = agent.stop()?;
    assert!(stopped.status.success(), "{}", stopped.log);
    assert_equal(&truths, &agent::closing(&stopped.records)?);
    for word in ["WARN", "ERROR", "panic"] {
        assert!(!stopped.log.contains(word), "{}", stopped.log);
    }
    Ok(())
}

/// What the gateway has sent to the remote.
fn forwarded_bytes(lab: &Lab) -> Result<u64> {
    let path = "/sys/class/net/eth1/statistics/tx_bytes";
    Ok(lab
        .run(Ns::Gateway, &format!("cat {path}"))?
        .trim()
        .parse()?)
}
