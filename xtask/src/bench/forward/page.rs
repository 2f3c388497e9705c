//! The section of the page: what was sent, a row for each program, and what the figures mean.

use super::Args;
use super::flood::PAYLOAD;
use super::measure::Figures;
use crate::bench::gateway::{Ran, name_and_version, remarks, shown};
use crate::bench::list::list;
use crate::bench::table::Table;

/// Super-packets of iperf3 go through the gateway whole; segments on their own are not put together.
pub const OFFLOADS: &str = "tso on gso on gro off";

const HEADING: [&str; 10] = [
    "program",
    "version",
    "thousand packets/s",
    "of no agent",
    "CPU ns a packet",
    "of no agent, by CPU",
    "iperf3 Gbit/s",
    "of no agent",
    "CPU ms a Gbit",
    "of no agent, by CPU",
];

pub fn page(facts: Vec<String>, all: &[Ran<Figures>], args: &Args) -> String {
    let traffic = [
        format!(
            "Packets: {} segments of {PAYLOAD} bytes payload, half of them each way, of {} \
             connections, drawn at random",
            args.packets, args.connections
        ),
        format!("iperf3: a download of {}, one stream", args.bytes),
        format!("Devices: veth pairs and a bridge, `ethtool -K … {OFFLOADS}`"),
    ];
    [
        list(facts.into_iter().chain(traffic)),
        table(all).to_string(),
        meaning(args.rounds),
        list(remarks(all)),
    ]
    .join("\n")
}

fn table(all: &[Ran<Figures>]) -> Table {
    let mut table = Table::new(&HEADING);
    let floor = &all[0].figures;
    for ran in all {
        let mut row = name_and_version(ran);
        if row.len() == 2 {
            row.extend(figures(&ran.figures, floor));
        }
        table.add(row);
    }
    table
}

fn figures(of: &[Figures], floor: &[Figures]) -> [String; 8] {
    let all = |value: fn(&Figures) -> f64, digits| shown(of.iter().map(value), digits);
    // Rounds of the same number were one after the other.
    let ratios = |value: fn(&Figures) -> f64| {
        let pairs = of.iter().zip(floor);
        shown(pairs.map(|(its, floor)| value(its) / value(floor)), 2)
    };
    [
        all(|figures| figures.packets_per_second / 1e3, 1),
        ratios(|figures| figures.packets_per_second),
        all(|figures| figures.packet_cpu_ns, 0),
        ratios(|figures| 1.0 / figures.packet_cpu_ns),
        all(|figures| figures.bits_per_second / 1e9, 2),
        ratios(|figures| figures.bits_per_second),
        all(|figures| figures.gigabit_cpu_ms, 1),
        ratios(|figures| 1.0 / figures.gigabit_cpu_ms),
    ]
}

fn meaning(rounds: u32) -> String {
    format!(
        "Median of {rounds} rounds (least–most). In a round the programs run one after the other. \
         Senders, gateway, program and receivers are on one CPU, so what a program takes is missing \
         to the packets. `of no agent`: packets or bits per second by the clock, in parts of those \
         of the same round without a program; other work on the machine disturbs it. `by CPU`: the \
         same by CPU time, which other work disturbs little: that of the sender, in whose thread the \
         kernel forwards, or of both ends of iperf3, of the kernel's thread for packets, and of the \
         program. So the work of senders and receivers is in it.\n\n\
         The connections are opened by forged SYN, SYN-ACK and ACK, and the kernel translates and \
         tracks them. Packets count that arrive translated at the far end. The records of nat-acct \
         are compared with the connections and with what was sent and arrived, or the benchmark \
         fails.\n"
    )
}
