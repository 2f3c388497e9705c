//! Who sent a segment.

use crate::{
    program::{payload, translated},
    sides::{again, only, only_of_two, two},
    traffic::{ACK, FIN, From, SYN, Side, Sighting, Talk, talk, whole},
    writers::{EPB_FLAGS, ETHERNET, IF_NAME, Order, Pcapng, RAW, SLL, SLL2},
};

#[test]
fn the_remote_opens() {
    for link in [ETHERNET, RAW, SLL, SLL2] {
        let record = only_of_two(&inbound().sightings, link, "");
        assert_eq!(record["network"]["direction"], "inbound");
        assert_eq!(record["source"]["ip"], "198.51.100.80");
        assert_eq!(record["destination"]["nat"]["port"], 8080 ^ 0x5555);
    }
}

#[test]
fn the_capture_says_the_direction() {
    let sightings = with_client([203, 0, 113, 9], 5000).sightings;
    let mut file = Pcapng::new(Order::Little);
    for name in ["br0", "eth1"] {
        file.interface(RAW, &[(IF_NAME, name.as_bytes())]);
    }
    for sighting in sightings {
        let interface = u32::from(sighting.side == Side::Outside);
        let goes_in = (sighting.side == Side::Inside) == (sighting.from == From::Client);
        let flags: u32 = if goes_in { 1 } else { 2 };
        let options = [(EPB_FLAGS, &flags.to_le_bytes()[..])];
        file.packet(
            interface,
            sighting.time_ns / 1_000,
            &sighting.packet,
            &options,
        );
    }
    only(&file.bytes, "--inside br0 --outside eth1");
}

#[test]
fn clients_with_public_addresses() {
    let sightings = with_client([203, 0, 113, 9], 5000).sightings;
    let directory = two(&sightings, ETHERNET);
    let unknown = directory.replay("--inside br0.pcap --outside eth1.pcap");
    unknown.line("br0.pcap: of 12 segments it is not known whether client or remote sent them");
    unknown.line("ignored: direction_unknown 12");
    assert_eq!((unknown.records.len(), unknown.status), (0, 0));
    only_of_two(&sightings, ETHERNET, "--inside-net 203.0.113.0/24");
}

#[test]
fn the_gateway_is_known_by_its_ethernet_address() {
    // Once it is learnt, private remotes and public clients are told apart too.
    let mut private_remote = whole(5001);
    private_remote.remote.0 = [10, 1, 2, 3].into();
    let private_remote = again(private_remote);
    let public_client = with_client([203, 0, 113, 9], 5002);
    let mut all = whole(5000).sightings;
    for (later_s, talk) in [(1, private_remote), (2, public_client)] {
        all.extend(talk.sightings.into_iter().map(|sighting| Sighting {
            time_ns: sighting.time_ns + later_s * 1_000_000_000,
            ..sighting
        }));
    }
    let replayed = two(&all, ETHERNET).replay("--inside br0.pcap --outside eth1.pcap");
    assert_eq!((replayed.records.len(), replayed.status), (3, 0));
    for record in &replayed.records {
        assert_eq!(payload(record), (300, 5_000));
        assert!(translated(record).is_some());
    }
}

fn inbound() -> Talk {
    let mut talk = talk(8080);
    talk.say(From::Remote, SYN, 0);
    talk.say(From::Client, SYN | ACK, 0);
    talk.say(From::Remote, ACK, 0);
    talk.say(From::Client, ACK, 300);
    for _ in 0..5 {
        talk.say(From::Remote, ACK, 1_000);
    }
    talk.say(From::Client, FIN | ACK, 0);
    talk.say(From::Remote, FIN | ACK, 0);
    talk
}

fn with_client(ip: [u8; 4], port: u16) -> Talk {
    let mut talk = talk(port);
    talk.client.0 = ip.into();
    again(talk)
}
