//! Live and replay agree: both interfaces are captured while the agent runs, and
//! the records made from the capture are those that the agent wrote.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nat_acct_tests::lab::device;
use nat_acct_tests::traffic::conversation::{Conversation, Step};
use nat_acct_tests::traffic::mixed::{CLIENTS, Servers};
use nat_acct_tests::{Agent, Background, Family, Lab, Ns, agent, in_a_lab, wait_until};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(60);
/// The programs and the capture look at a packet one after the other, and the
/// machine may be busy in between; but it is the same packet.
const SAME_PACKET_US: u64 = 100_000;

#[test]
fn the_records_are_the_same() -> Result<()> {
    in_a_lab(|lab| {
        // A capture cannot tell how many segments a bundle becomes on the wire.
        device::send_segments_one_by_one(lab)?;
        let servers = Servers::start(lab)?;
        let capture = Capture::start(lab)?;
        let agent = Agent::start(lab, &[])?;
        let connections = mixed_traffic(lab, &servers)?;
        agent.wait_for_closing(connections, SOON)?;
        let live = agent.stop()?.records;
        let replayed = capture.stop_and_replay(lab)?;
        ensure!(live.len() == connections, "{} records", live.len());
        let (live, replayed) = (by_connection(&live)?, by_connection(&replayed)?);
        assert_eq!(
            live.keys().collect::<Vec<_>>(),
            replayed.keys().collect::<Vec<_>>()
        );
        for (connection, record) in &live {
            check_same(record, &replayed[connection]);
        }
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

/// One capture of both interfaces, with their names.
struct Capture {
    process: Background,
    file: String,
}

impl Capture {
    fn start(lab: &Lab) -> Result<Self> {
        let file = lab.dir().join("both.pcapng").display().to_string();
        let mut command = lab.command(Ns::Gateway, "dumpcap");
        let interfaces = ["-i", "br0", "-s", "96", "-B", "128", "-p"];
        command
            .args(interfaces)
            .args(["-i", "eth1", "-s", "96", "-B", "128", "-p"]);
        command.args(["-N", "2000000", "-C", "800000000", "-w", &file]);
        let process = Background::start(command, lab.dir(), "dumpcap")?;
        wait_until(SOON, "the capture to begin", || {
            Ok(process.stderr().contains("File: ").then_some(()))
        })?;
        Ok(Self { process, file })
    }

    fn stop_and_replay(mut self, lab: &Lab) -> Result<Vec<Value>> {
        self.process.stop()?;
        let lost = self.process.stderr();
        ensure!(lost.contains("received/dropped"), "no figures:\n{lost}");
        let lossless = lost
            .lines()
            .filter(|line| line.contains("received/dropped"))
            .all(|line| line.contains("/0 (pcap:0/"));
        ensure!(lossless, "the capture is not whole:\n{lost}");
        let records = lab.dir().join("replayed.jsonl");
        let replay = Command::new(agent::binary()?)
            .args(["replay", &self.file, "--inside", "br0", "--outside", "eth1"])
            .arg("--output")
            .arg(&records)
            .output()?;
        let said = String::from_utf8_lossy(&replay.stderr);
        ensure!(replay.status.success(), "replay failed:\n{said}");
        let lines = std::fs::read_to_string(&records)?;
        let parse = |line| serde_json::from_str(line).context("a line that is no JSON");
        lines.lines().map(parse).collect()
    }
}

/// The records by the address and port of both sides.
fn by_connection(records: &[Value]) -> Result<BTreeMap<String, Value>> {
    let mut connections = BTreeMap::new();
    for record in records {
        let end = |side: &str| format!("{} {}", record[side]["ip"], record[side]["port"]);
        let connection = format!("{} {}", end("source"), end("destination"));
        let twice = connections.insert(connection, record.clone());
        ensure!(twice.is_none(), "two records: {record}");
    }
    Ok(connections)
}

/// Equal but for when and as which they were written, and for what lies between
/// the program's and the capture's look at a packet.
fn check_same(live: &Value, replayed: &Value) {
    let [mut live, mut replayed] = [live.clone(), replayed.clone()];
    for time in ["start", "end"] {
        let [a, b] = [&live, &replayed].map(|record| microseconds(&record["event"][time]));
        assert!(
            a.abs_diff(b) < SAME_PACKET_US,
            "{time}:\n{live}\n{replayed}"
        );
    }
    for record in [&mut live, &mut replayed] {
        record["@timestamp"].take();
        for field in ["id", "sequence", "start", "end", "duration"] {
            record["event"][field].take();
        }
    }
    assert_eq!(live, replayed);
}

/// The time of day in microseconds.
fn microseconds(time: &Value) -> u64 {
    let time = time.as_str().unwrap_or_default();
    let (_, of_day) = time
        .trim_end_matches('Z')
        .split_once('T')
        .unwrap_or_default();
    let (whole, fraction) = of_day.split_once('.').unwrap_or((of_day, "0"));
    let seconds = whole
        .split(':')
        .fold(0, |sum, part| sum * 60 + part.parse().unwrap_or(0));
    seconds * 1_000_000 + format!("{fraction:0<6}").parse().unwrap_or(0)
}
