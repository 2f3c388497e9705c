//! Connections for the tests of records: the worked example, others by hand, and every
//! combination of words with values drawn at random.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use nat_acct::record::{
    Account, Direction, End, Endpoint, Interface, Match, Record, Remotes, Run, Stage, Stamp, Sums,
    Totals, Translated,
};

const DIRECTIONS: [Direction; 2] = [Direction::Outbound, Direction::Inbound];
const ENDS: [End; 8] = [
    End::Fin,
    End::Rst,
    End::Idle,
    End::Unanswered,
    End::Reused,
    End::Closing,
    End::AgentStop,
    End::CaptureEnd,
];
const MATCHES: [Match; 6] = [
    Match::Sequence,
    Match::Ambiguous,
    Match::Blocked,
    Match::Local,
    Match::Intercepted,
    Match::Hairpin,
];

/// The connection of the worked example, as the gateway sees it.
pub fn worked_example() -> Account {
    Account {
        slot: 1,
        identity: 0x0123_4567_89ab_cdef,
        start_ns: 20_615_902_000,
        end_ns: 82_763_857_000,
        stage: Stage::Ended(End::Fin),
        direction: Direction::Outbound,
        client: endpoint("192.168.17.11", 54054),
        remote: endpoint("129.125.14.81", 22),
        translated: Some(Translated {
            endpoint: endpoint("129.125.14.80", 61002),
            interface: Interface::Outside(0),
        }),
        matched: Match::Sequence,
        totals: Totals {
            sent: sums(3324, 0, 5100, 34),
            received: sums(3540, 0, 5108, 30),
        },
        partial: false,
        inside: 0,
        vlans: [0; 2],
    }
}

/// A port forward over IPv6 that lost segments and sent some twice.
pub fn port_forward() -> Account {
    Account {
        identity: u64::MAX,
        stage: Stage::Ended(End::Rst),
        direction: Direction::Inbound,
        client: endpoint("2001:db8:17::11", 443),
        remote: endpoint("2001:db8:14::81", 40001),
        translated: Some(Translated {
            endpoint: endpoint("2001:db8:14::80", 8443),
            interface: Interface::Outside(1),
        }),
        totals: Totals {
            sent: sums(5_000_000_000, 1448, 5_300_000_000, 3_500_000),
            received: sums(700, 70, 2_000_000, 27_000),
        },
        partial: true,
        vlans: [100, 10],
        ..worked_example()
    }
}

/// An opening that the gateway dropped.
fn blocked() -> Account {
    Account {
        identity: 0,
        end_ns: 27_615_902_000,
        stage: Stage::Ended(End::Unanswered),
        translated: None,
        matched: Match::Blocked,
        totals: Totals {
            sent: sums(0, 0, 240, 4),
            received: Sums::default(),
        },
        ..worked_example()
    }
}

/// 2026-11-22T09:42:00Z at the source's 0, and the names of the interfaces.
pub fn stamp() -> Stamp {
    Stamp::new(
        1_795_340_520_000_000_000,
        &["br0", "br1"],
        &["eth1", "ppp0"],
    )
    .of_run(Run(0xa1))
}

/// The record of `account`, written about a second after its end.
pub fn record(account: &Account, sequence: u64) -> Record {
    record_telling(Remotes::Told, account, sequence)
}

/// The same with or without the remote. Only ends have a number.
pub fn record_telling(remotes: Remotes, account: &Account, sequence: u64) -> Record {
    let written_ns = i128::from(account.end_ns) + 967_748_000 + 1_795_340_520_000_000_000;
    let written = Timestamp::from_nanosecond(written_ns).unwrap();
    let number = account.end().map(|_| sequence);
    Record::new(account, number, written, &stamp().telling(remotes))
}

/// The records of the golden files, in their order.
pub fn golden() -> Vec<Record> {
    let ends = [worked_example(), port_forward(), blocked()];
    let ends = ends
        .iter()
        .zip(42..)
        .map(|(end, number)| record(end, number));
    let [example, forward] = [worked_example(), port_forward()];
    let interim = [started(&example), open(&example), open(&forward)];
    let interim = interim.map(|account| record(&account, 0));
    let without = [example, forward, started(&forward)];
    let without = without.map(|account| record_telling(Remotes::LeftOut, &account, 45));
    ends.chain(interim).chain(without).collect()
}

/// The connection when it had just started.
pub fn started(ended: &Account) -> Account {
    Account {
        end_ns: ended.start_ns,
        stage: Stage::Started,
        totals: Totals::default(),
        partial: false,
        ..*ended
    }
}

/// The connection while it went on.
pub fn open(ended: &Account) -> Account {
    Account {
        stage: Stage::Open,
        ..*ended
    }
}

/// Records of every combination of words and IP versions, with all else at random: at each stage,
/// with the remote and without.
pub fn all_records() -> Vec<Record> {
    let ended = all_combinations();
    let all = ended
        .iter()
        .flat_map(|ended| [*ended, open(ended), started(ended)]);
    let both = all.zip(0..).flat_map(|(account, sequence)| {
        [Remotes::Told, Remotes::LeftOut].map(|remotes| record_telling(remotes, &account, sequence))
    });
    both.collect()
}

/// Every combination of words and IP versions, with all else at random.
fn all_combinations() -> Vec<Account> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut all = Vec::new();
    for direction in DIRECTIONS {
        for end in ENDS {
            for matched in MATCHES {
                all.push(drawn(direction, end, matched, Random::ipv4, &mut random));
                all.push(drawn(direction, end, matched, Random::ipv6, &mut random));
            }
        }
    }
    all
}

fn drawn(
    direction: Direction,
    end: End,
    matched: Match,
    ip: fn(&mut Random) -> IpAddr,
    random: &mut Random,
) -> Account {
    let any_endpoint = |random: &mut Random| Endpoint {
        ip: ip(random),
        port: random.next() as u16,
    };
    let start_ns = random.up_to_63_bits();
    Account {
        slot: 1,
        identity: random.next(),
        start_ns,
        end_ns: start_ns + random.up_to_63_bits() / 2,
        stage: Stage::Ended(end),
        direction,
        client: any_endpoint(random),
        remote: any_endpoint(random),
        translated: beyond(matched, random).map(|interface| Translated {
            endpoint: any_endpoint(random),
            interface,
        }),
        matched,
        totals: Totals {
            sent: random.sums(),
            received: random.sums(),
        },
        partial: random.next().is_multiple_of(2),
        inside: (random.next() % 2) as usize,
        vlans: [[0, 0], [0, 10], [100, 10]][(random.next() % 3) as usize],
    }
}

/// The interface on the remote's side, if it is known.
fn beyond(matched: Match, random: &mut Random) -> Option<Interface> {
    let number = (random.next() % 2) as usize;
    match matched {
        Match::Sequence => Some(Interface::Outside(number)),
        Match::Hairpin => Some(Interface::Inside(number)),
        Match::Ambiguous | Match::Blocked | Match::Local | Match::Intercepted => None,
    }
}

/// SplitMix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Small and large numbers alike, zero among them.
    fn up_to_63_bits(&mut self) -> u64 {
        let bits = self.next() % 64;
        self.next() & ((1 << bits) - 1)
    }

    fn sums(&mut self) -> Sums {
        sums(
            self.up_to_63_bits(),
            self.up_to_63_bits(),
            self.up_to_63_bits(),
            self.up_to_63_bits(),
        )
    }

    fn ipv4(&mut self) -> IpAddr {
        Ipv4Addr::from_bits(self.next() as u32).into()
    }

    fn ipv6(&mut self) -> IpAddr {
        let zeroes = self.next() % 128;
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        Ipv6Addr::from_bits(bits >> zeroes).into()
    }
}

fn endpoint(ip: &str, port: u16) -> Endpoint {
    let ip = ip.parse().unwrap();
    Endpoint { ip, port }
}

fn sums(payload_bytes: u64, retransmitted_bytes: u64, ip_bytes: u64, packets: u64) -> Sums {
    Sums {
        payload_bytes,
        retransmitted_bytes,
        ip_bytes,
        packets,
    }
}
