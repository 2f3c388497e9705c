//! Which side a packet is of, when it comes, and what it counts for.

use serde_json::Value;

use crate::{
    program::{Directory, payload, translated},
    traffic::{ACK, From, Side, Sighting, Talk, sorted, talk, whole},
    writers::{ETHERNET, PCAP, Pcap, Pcapng, RAW, SLL, SLL2, framed},
};

#[test]
fn interfaces_by_name_and_by_number() {
    let file = Pcapng::both(&whole(5000).sightings, ETHERNET);
    for args in ["--inside br0 --outside eth1", "--inside #0 --outside #1"] {
        let record = only(&file, args);
        assert_eq!(interfaces(&record), ["br0", "eth1"]);
    }
}

#[test]
fn the_header_of_a_packet_has_the_number() {
    let record = only(&one_file(SLL2), "--inside #3 --outside #7");
    assert_eq!(interfaces(&record), ["#3", "#7"]);
}

#[test]
fn what_does_not_tell_is_refused() {
    refuse(
        &one_file(SLL),
        "--inside br0 --outside eth1",
        "capture with `tcpdump -i any -y LINUX_SLL2`",
    );
    refuse(
        &one_file(ETHERNET),
        "--inside br0 --outside eth1",
        "pcap holds one interface",
    );
    let named = Pcapng::both(&whole(5000).sightings, ETHERNET);
    refuse(
        &named,
        "--inside br1 --outside eth1",
        "no interface br1, but br0 (#0), eth1 (#1)",
    );
    refuse(
        &one_file(SLL2),
        "--inside br0 --outside #7",
        "there is no interface br0",
    );
}

#[test]
fn two_files_of_any_link_type() {
    for link in [ETHERNET, RAW, SLL, SLL2] {
        let record = only_of_two(&whole(5000).sightings, link, "");
        assert_eq!(interfaces(&record), ["br0", "eth1"]);
    }
}

#[test]
fn connections_with_the_gateway_itself() {
    let mut talk = whole(5000);
    talk.remote.0 = [198, 51, 100, 1].into();
    let mut sightings = again(talk).sightings;
    sightings.retain(|sighting| sighting.side == Side::Inside);
    // The outside was captured before, and hardly ended earlier.
    for sighting in &mut sightings {
        sighting.time_ns += 4_000_000_000;
    }
    let sightings = [whole(5001).sightings, sightings].concat();
    let directory = two(&sightings, ETHERNET);
    let matched = |options: &str| {
        let replayed =
            directory.replay(&format!("--inside br0.pcap --outside eth1.pcap {options}"));
        let records = replayed.records.iter();
        let matched = records.map(|record| record["nat_acct"]["match"].clone());
        matched.collect::<Vec<_>>()
    };
    assert_eq!(matched(""), ["sequence", "intercepted"]);
    assert_eq!(matched("--local 198.51.100.1"), ["sequence", "local"]);
}

#[test]
fn times_count_from_anywhere() {
    let mut sightings = whole(5000).sightings;
    let first_ns = sightings[0].time_ns;
    for sighting in &mut sightings {
        sighting.time_ns -= first_ns;
    }
    let record = only_of_two(&sightings, ETHERNET, "");
    assert_eq!(record["event"]["start"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(record["event"]["duration"], 110_000_000);
}

#[test]
fn super_packets_count_as_what_they_were() {
    let mut talk = talk(5000);
    talk.open();
    talk.say(From::Remote, ACK, 14_600);
    talk.say(From::Remote, ACK, 1_461);
    talk.close();
    let count = |options: &str| {
        let record = only_of_two(&talk.sightings, ETHERNET, options);
        let side = &record["destination"];
        (
            side["packets"].as_u64().unwrap(),
            side["bytes"].as_u64().unwrap(),
        )
    };
    assert_eq!(count(""), (2 + 10 + 2, 2 * 40 + 14_600 + 400 + 1_461 + 80));
    assert_eq!(
        count("--mtu 9000"),
        (2 + 2 + 1, 2 * 40 + 14_600 + 80 + 1_461 + 40)
    );
}

#[test]
fn a_little_out_of_order() {
    let sightings = sorted((5000..5050).map(|port| {
        let mut talk = whole(port);
        for sighting in &mut talk.sightings {
            sighting.time_ns += u64::from(port) * 3_000;
        }
        talk
    }));
    let ordered = records_of(&sightings);
    let mut shuffled = sightings;
    for place in (0..shuffled.len() - 3).step_by(3) {
        shuffled.swap(place, place + 2);
    }
    assert_eq!(records_of(&shuffled), ordered);
}

fn records_of(sightings: &[Sighting]) -> Vec<Value> {
    let replayed = two(sightings, ETHERNET).replay("--inside br0.pcap --outside eth1.pcap");
    assert_eq!(replayed.status, 0);
    replayed.records
}

/// The whole conversation with the addresses of `talk`.
pub fn again(talk: Talk) -> Talk {
    let mut again = Talk {
        sent: 77,
        received: 99,
        time_ns: crate::traffic::MORNING_NS,
        sightings: Vec::new(),
        ..talk
    };
    again.open();
    again.say(From::Client, ACK, 300);
    for _ in 0..5 {
        again.say(From::Remote, ACK, 1_000);
    }
    again.close();
    again
}

fn one_file(link: u32) -> Vec<u8> {
    let pcap = Pcap { link, ..PCAP };
    let mut file = pcap.header();
    for sighting in whole(5000).sightings {
        file.extend(pcap.packet(sighting.time_ns, &framed(&sighting, link)));
    }
    file
}

pub fn two(sightings: &[Sighting], link: u32) -> Directory {
    let pcap = Pcap { link, ..PCAP };
    Directory::new()
        .with("br0.pcap", &pcap.file(sightings, Side::Inside))
        .with("eth1.pcap", &pcap.file(sightings, Side::Outside))
}

#[track_caller]
pub fn only(file: &[u8], args: &str) -> Value {
    let replayed = Directory::new()
        .with("both", file)
        .replay(&format!("both {args}"));
    assert_eq!(replayed.status, 0, "{replayed:?}");
    assert_eq!(payload(replayed.only()), (300, 5_000));
    assert_eq!(translated(replayed.only()), Some(5000 ^ 0x5555));
    replayed.only().clone()
}

#[track_caller]
pub fn only_of_two(sightings: &[Sighting], link: u32, options: &str) -> Value {
    let args = format!("--inside br0.pcap --outside eth1.pcap {options}");
    let replayed = two(sightings, link).replay(&args);
    assert_eq!(replayed.status, 0, "{replayed:?}");
    assert!(translated(replayed.only()).is_some(), "{replayed:?}");
    replayed.only().clone()
}

#[track_caller]
fn refuse(file: &[u8], args: &str, line: &str) {
    let replayed = Directory::new()
        .with("both", file)
        .replay(&format!("both {args}"));
    replayed.line(line);
    assert_eq!(replayed.status, 1);
}

fn interfaces(record: &Value) -> [&str; 2] {
    ["ingress", "egress"].map(|way| {
        record["observer"][way]["interface"]["name"]
            .as_str()
            .unwrap()
    })
}
