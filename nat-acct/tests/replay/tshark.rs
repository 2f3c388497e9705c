//! Does an independent program find the same number of bytes in every connection?

use std::{collections::BTreeMap, process::Command};

use crate::{
    program::{Directory, payload},
    traffic::{ACK, FIN, From, RST, Random, SYN, Side, Sighting, Talk, sorted, talk},
    writers::PCAP,
};

const CONNECTIONS: u16 = 1_500;

/// Payload bytes each way, by port of the client.
type Sums = BTreeMap<u16, (u64, u64)>;

#[test]
fn payload_of_every_connection() {
    let sightings = traffic();
    let directory = Directory::new()
        .with("br0.pcap", &PCAP.file(&sightings, Side::Inside))
        .with("eth1.pcap", &PCAP.file(&sightings, Side::Outside));
    let Some(expect) = tshark(&directory) else {
        eprintln!("tshark is missing: nothing was compared");
        return;
    };
    let replayed = directory.replay("--inside br0.pcap --outside eth1.pcap");
    assert_eq!(replayed.status, 0);
    assert_eq!(replayed.records.len(), usize::from(CONNECTIONS));
    let by_port = replayed.records.iter().map(|record| {
        let port = |side: &str| record[side]["port"].as_u64().unwrap() as u16;
        let is_inbound = record["network"]["direction"] == "inbound";
        let client = port(if is_inbound { "destination" } else { "source" });
        (client, payload(record))
    });
    let ours: Sums = by_port.collect();
    assert_eq!(expect.len(), usize::from(CONNECTIONS));
    assert_eq!(ours, expect);
}

/// Adds up what tshark says of the segments on the inside.
fn tshark(directory: &Directory) -> Option<Sums> {
    let fields = ["tcp.srcport", "tcp.dstport", "tcp.len"];
    let mut command = Command::new("tshark");
    command
        .current_dir(directory.path())
        .args(["-r", "br0.pcap", "-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().ok()?;
    assert!(output.status.success(), "{output:?}");
    let mut sums = Sums::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let numbers: Vec<u16> = line
            .split('\t')
            .map(|field| field.parse().unwrap())
            .collect();
        let [source, destination, bytes] = numbers[..] else {
            panic!("{line}");
        };
        // Remotes have low ports.
        if destination < 1024 {
            sums.entry(source).or_default().0 += u64::from(bytes);
        } else {
            sums.entry(destination).or_default().1 += u64::from(bytes);
        }
    }
    Some(sums)
}

fn traffic() -> Vec<Sighting> {
    let mut random = Random(1);
    sorted((0..CONNECTIONS).map(|number| conversation(2_000 + number * 3, &mut random)))
}

fn conversation(port: u16, random: &mut Random) -> Talk {
    let mut talk = talk(port);
    talk.client.0 = [10, 0, random.below(4) as u8, random.below(250) as u8].into();
    talk.remote.1 = 1 + random.below(1_000) as u16;
    talk.sent = random.next() as u32;
    talk.received = random.next() as u32;
    talk.time_ns += random.below(20_000_000_000);
    let (opener, other) = if random.below(4) == 0 {
        (From::Remote, From::Client)
    } else {
        (From::Client, From::Remote)
    };
    talk.say(opener, SYN, 0);
    talk.say(other, SYN | ACK, 0);
    talk.say(opener, ACK, 0);
    for _ in 0..random.below(20) {
        let from = [From::Client, From::Remote][random.below(2) as usize];
        let payload = random.below(1_460) as u16;
        talk.say(from, ACK, payload);
        if random.below(5) == 0 {
            talk.say_again(from, payload);
        }
    }
    match random.below(4) {
        0 => talk.say(opener, RST | ACK, 0),
        1 => talk.say(other, FIN | ACK, 100),
        2 => {
            talk.say(other, FIN | ACK, 0);
            talk.say(opener, ACK, 500);
            talk.say(opener, FIN | ACK, 0);
        }
        _ => {}
    }
    talk
}
