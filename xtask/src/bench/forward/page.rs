//! The section of the page: what was sent, a row for each program, and what the figures mean.

use super::Args;
use super::flood::PAYLOAD;
use super::measure::Figures;
use crate::bench::gateway::{self, Beside, Ran};

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
    gateway::page(
        facts.into_iter().chain(traffic),
        all,
        &HEADING,
        figures,
        meaning(args.rounds),
    )
}

fn figures(of: Beside<'_, Figures>) -> [String; 8] {
    [
        of.all(|figures| figures.packets_per_second / 1e3, 1),
        of.ratios(|figures| figures.packets_per_second),
        of.all(|figures| figures.packet_cpu_ns, 0),
        of.ratios(|figures| 1.0 / figures.packet_cpu_ns),
        of.all(|figures| figures.bits_per_second / 1e9, 2),
        of.ratios(|figures| figures.bits_per_second),
        of.all(|figures| figures.gigabit_cpu_ms, 1),
        of.ratios(|figures| 1.0 / figures.gigabit_cpu_ms),
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
