//! The section of the page: what was sent, a row for each program, and what the figures mean.

use super::Args;
use super::flood::PAYLOAD;
use super::measure::{BURST, Figures};
use crate::bench::gateway::{self, CONFIDENCE, Ran, Rounds};

/// Super-packets of iperf3 go through the gateway whole; segments on their own are not put together.
pub const OFFLOADS: &str = "tso on gso on gro off";

const HEADING: [&str; 9] = [
    "program",
    "version",
    "CPU ns a packet",
    "thousand packets a CPU second",
    "of no agent",
    "iperf3 Gbit/s",
    "of no agent",
    "CPU ms a Gbit",
    "of no agent, by CPU",
];

pub fn page(facts: Vec<String>, all: &[Ran<Figures>], args: &Args) -> String {
    let traffic = [
        format!(
            "Packets: {} segments of {PAYLOAD} bytes payload a round and gateway, half of them each way, of {} \
             connections, drawn at random",
            args.packets, args.connections
        ),
        format!(
            "iperf3: a download of {} a round and gateway, one stream",
            args.bytes
        ),
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

fn figures(of: Rounds<'_, Figures>) -> [String; 7] {
    [
        of.all(|figures| figures.packet_cpu_ns.its, 0),
        of.all(|figures| 1e6 / figures.packet_cpu_ns.its, 1),
        of.all(|figures| 1.0 / figures.packet_cpu_ns.ratio, 3),
        of.all(|figures| figures.bits_per_second.its / 1e9, 2),
        of.all(|figures| figures.bits_per_second.ratio, 2),
        of.all(|figures| figures.gigabit_cpu_ms.its, 1),
        of.all(|figures| 1.0 / figures.gigabit_cpu_ms.ratio, 2),
    ]
}

fn meaning(rounds: u32) -> String {
    format!(
        "Median of {rounds} rounds ({CONFIDENCE}). In a round the programs run one after the other, each \
         in one of two gateways, and then in the other one, as no two are equally fast. Where it runs and \
         where nothing does, packets are forwarded by turns, {BURST} packets each, some milliseconds, as what \
         else the machine does changes soon; then there is a transfer each. `of no agent` compares these \
         two; what it says of `no agent` itself is how far it can be trusted. Senders, gateways, programs \
         and receivers are on one CPU. `CPU`: the time of the sender, in whose thread the kernel forwards, or \
         of both ends of iperf3, of the kernel's thread for packets, and of the program, until it has \
         nothing to do any more. So the work of senders and receivers is in it, and twice what the program does by time.\n\n\
         The connections are opened by forged SYN, SYN-ACK and ACK, and the kernel translates and \
         tracks them. Packets count that arrive translated at the far end. The records of nat-acct \
         are compared with the connections and with what was sent and arrived, or the benchmark \
         fails.\n"
    )
}
