//! The metrics that there are: what each is called and means, and how it comes from the figures.
//! Names follow <https://prometheus.io/docs/practices/naming/>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nat_acct_common::layout::Cause;

use crate::agent::{
    cause_group::CauseGroup,
    figures::{self, Figures, Interface, Volume},
};

/// Metrics of one name.
pub(super) struct Family {
    pub(super) name: &'static str,
    /// A sentence.
    pub(super) help: &'static str,
    /// The names of the labels.
    pub(super) labels: &'static [&'static str],
    pub(super) samples: Samples,
}

/// Where values come from, and what may become of them.
#[derive(Clone, Copy)]
pub(super) enum Samples {
    /// They only grow, until the agent is started again or the tables are made anew.
    Counter(fn(&Figures) -> Vec<Sample<u64>>),
    /// They go up and down.
    Gauge(fn(&Figures) -> Vec<Sample<f64>>),
}

/// The values of the labels, in the order of their names, and the value.
pub(super) type Sample<N> = (Vec<String>, N);

use Samples::{Counter, Gauge};

const fn family(
    name: &'static str,
    labels: &'static [&'static str],
    samples: Samples,
    help: &'static str,
) -> Family {
    Family {
        name,
        help,
        labels,
        samples,
    }
}

/// All of them, in the order in which they are told.
pub(super) const FAMILIES: &[Family] = &[
    family(
        "nat_acct_build_info",
        &["version"],
        Gauge(|f| vec![(vec![f.version.clone()], 1.0)]),
        "The version of the agent; the value is 1.",
    ),
    family(
        "nat_acct_start_time_seconds",
        &[],
        Gauge(|f| one(seconds(f.started))),
        "When the agent started, in Unix time.",
    ),
    family(
        "nat_acct_tables_start_time_seconds",
        &[],
        Gauge(|f| one(seconds(f.counting_since))),
        "Since when the tables in the kernel count, in Unix time: from an agent before, if adopted.",
    ),
    family(
        "nat_acct_interface_attached",
        &["interface", "side"],
        Gauge(|f| each_interface(f, |interface| flag(interface.hook.is_some()))),
        "Whether the programs are on the interface.",
    ),
    family(
        "nat_acct_interface_packets_hidden",
        &["interface", "side"],
        Gauge(|f| each_interface(f, |interface| flag(interface.hides_packets))),
        "Whether the interface carries packets and a program sees none of them.",
    ),
    family(
        "nat_acct_interface_flowtables",
        &["interface", "side"],
        Gauge(|f| each_interface(f, |interface| interface.flowtables.len() as f64)),
        "Flowtables that take packets past the interface.",
    ),
    family(
        "nat_acct_connections_adopted",
        &[],
        Gauge(|f| one(f.connections.adopted as f64)),
        "Connections that the agent took over when it started.",
    ),
    family(
        "nat_acct_connections_opened_total",
        &[],
        Counter(|f| one(f.connections.opened)),
        "Connections that were opened.",
    ),
    family(
        "nat_acct_connections_open",
        &[],
        Gauge(|f| one(f.connections.open as f64)),
        "Connections that have no written record of their end yet.",
    ),
    family(
        "nat_acct_connections_ended_total",
        &["reason"],
        Counter(|f| by_word(&f.connections.ended)),
        "Connections that have ended, by the reason in their records.",
    ),
    family(
        "nat_acct_connections_matched_total",
        &["match"],
        Counter(|f| by_word(&f.connections.matched)),
        "Ended connections with a translated address, by how it was found.",
    ),
    family(
        "nat_acct_connections_unmatched_total",
        &["match"],
        Counter(|f| by_word(&f.connections.unmatched)),
        "Ended connections without a translated address, by why.",
    ),
    family(
        "nat_acct_connections_partial_total",
        &[],
        Counter(|f| one(f.connections.partial)),
        "Ended connections of which segments were missed.",
    ),
    family(
        "nat_acct_stray_openings_total",
        &[],
        Counter(|f| one(f.connections.stray_openings)),
        "SYNs for addresses and ports whose older connection went on.",
    ),
    family(
        "nat_acct_resets_refuted_total",
        &[],
        Counter(|f| one(f.connections.resets_refuted)),
        "RSTs after which both sides went on.",
    ),
    family(
        "nat_acct_outside_syns_unmatched_total",
        &[],
        Counter(|f| one(f.connections.outside_unmatched)),
        "SYNs on the outside without an opening on the inside, such as those of the gateway itself.",
    ),
    family(
        "nat_acct_payload_bytes_total",
        &["direction"],
        Counter(|f| both_ways(f, |volume| volume.payload_bytes)),
        "TCP payload of ended connections, what was sent again included.",
    ),
    family(
        "nat_acct_retransmitted_bytes_total",
        &["direction"],
        Counter(|f| both_ways(f, |volume| volume.retransmitted_bytes)),
        "TCP payload of ended connections that was sent before.",
    ),
    family(
        "nat_acct_ip_bytes_total",
        &["direction"],
        Counter(|f| both_ways(f, |volume| volume.ip_bytes)),
        "IP datagrams of ended connections, in bytes.",
    ),
    family(
        "nat_acct_packets_total",
        &["direction"],
        Counter(|f| both_ways(f, |volume| volume.packets)),
        "IP datagrams of ended connections.",
    ),
    family(
        "nat_acct_ignored_packets_total",
        &["cause"],
        Counter(|f| ignored(f, |cause| cause.packets)),
        "Packets that belong to no connection that is accounted, by why.",
    ),
    family(
        "nat_acct_ignored_payload_bytes_total",
        &["cause"],
        Counter(|f| ignored(f, |cause| cause.payload_bytes)),
        "Their TCP payload, as far as it was known.",
    ),
    family(
        "nat_acct_openings_not_taken_total",
        &["cause"],
        Counter(|f| of_group(f, CauseGroup::NotTaken, |cause| cause.packets)),
        "SYNs, also those sent again, of connections that were not taken on, by why.",
    ),
    family(
        "nat_acct_openings_overflowed_total",
        &[],
        Counter(|f| one(packets(f, Cause::Overflowed))),
        "Connections that found their set of the flow table full: exact, slower.",
    ),
    family(
        "nat_acct_events_lost_total",
        &[],
        Counter(|f| one(packets(f, Cause::EventLost))),
        "Events that found the ring buffer full: records come later.",
    ),
    family(
        "nat_acct_outside_syns_lost_total",
        &[],
        Counter(|f| one(packets(f, Cause::OutsideFull))),
        "SYNs on the outside that found their map full: their connections have no translated address.",
    ),
    family(
        "nat_acct_inconsistencies_total",
        &[],
        Counter(|f| one(packets(f, Cause::Inconsistent))),
        "Times that maps and programs did not fit: never.",
    ),
    family(
        "nat_acct_table_slots",
        &[],
        Gauge(|f| one(f.table.slots as f64)),
        "Connections that the table has room for (--max-connections).",
    ),
    family(
        "nat_acct_table_slots_used",
        &[],
        Gauge(|f| one(f.table.used as f64)),
        "Connections that are in the table.",
    ),
    family(
        "nat_acct_half_open_limit",
        &[],
        Gauge(|f| one(f.table.half_open_limit as f64)),
        "Connections that may wait for an answer.",
    ),
    family(
        "nat_acct_half_open",
        &[],
        Gauge(|f| one(f.table.half_open as f64)),
        "Connections that wait for an answer.",
    ),
    family(
        "nat_acct_sweeps_total",
        &[],
        Counter(|f| one(f.table.sweeps)),
        "Times that the whole table was looked at for what events missed.",
    ),
    family(
        "nat_acct_sweep_found_connections_total",
        &[],
        Counter(|f| one(f.table.found_by_sweep)),
        "Connections that were found so.",
    ),
    family(
        "nat_acct_sweep_seconds",
        &[],
        Gauge(|f| one(f.table.sweep_seconds)),
        "How long the last of these looks took.",
    ),
    family(
        "nat_acct_sweep_longest_part_seconds",
        &[],
        Gauge(|f| one(f.table.sweep_longest_part_seconds)),
        "How long it held up everything else at most: it goes in parts.",
    ),
    family(
        "nat_acct_records_made_total",
        &[],
        Counter(|f| one(f.output.made)),
        "Records of all kinds that were made.",
    ),
    family(
        "nat_acct_records_written_total",
        &[],
        Counter(|f| one(f.output.written)),
        "Records that are wholly written.",
    ),
    family(
        "nat_acct_records_waiting",
        &[],
        Gauge(|f| one(f.output.waiting as f64)),
        "Records that are not.",
    ),
    family(
        "nat_acct_records_left_out_total",
        &["kind"],
        Counter(|f| {
            let (starts, updates) = (f.output.starts_left_out, f.output.updates_left_out);
            vec![(word("start"), starts), (word("update"), updates)]
        }),
        "Records of connections that went on for which there was no room.",
    ),
    family(
        "nat_acct_output_lag_seconds",
        &[],
        Gauge(|f| one(f.output.lag_seconds)),
        "The age of the oldest record that is not written.",
    ),
    family(
        "nat_acct_output_errors_total",
        &[],
        Counter(|f| one(f.output.errors)),
        "Times that records could not be written; each is tried again.",
    ),
    family(
        "nat_acct_output_failing",
        &[],
        Gauge(|f| one(flag(f.output.failing.is_some()))),
        "Whether writing fails now.",
    ),
    family(
        "nat_acct_output_rotations_total",
        &[],
        Counter(|f| one(f.output.rotations)),
        "Times that the agent rotated the output.",
    ),
    family(
        "nat_acct_log_messages_total",
        &["level"],
        Counter(|f| {
            vec![
                (word("error"), f.log.errors),
                (word("warn"), f.log.warnings),
            ]
        }),
        "Lines of the log that somebody should read.",
    ),
];

fn one<N>(value: N) -> Vec<Sample<N>> {
    vec![(Vec::new(), value)]
}

fn word(word: &str) -> Vec<String> {
    vec![word.to_owned()]
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1e3
}

fn by_word(counts: &BTreeMap<String, u64>) -> Vec<Sample<u64>> {
    let each = counts.iter();
    each.map(|(name, count)| (word(name), *count)).collect()
}

fn each_interface(figures: &Figures, value: fn(&Interface) -> f64) -> Vec<Sample<f64>> {
    let each = figures.interfaces.iter();
    each.map(|interface| {
        let labels = vec![interface.name.clone(), interface.side.clone()];
        (labels, value(interface))
    })
    .collect()
}

fn both_ways(figures: &Figures, value: fn(&Volume) -> u64) -> Vec<Sample<u64>> {
    vec![
        (word("sent"), value(&figures.sent)),
        (word("received"), value(&figures.received)),
    ]
}

fn ignored(figures: &Figures, value: fn(&figures::Cause) -> u64) -> Vec<Sample<u64>> {
    of_group(figures, CauseGroup::Ignored, value)
}

fn of_group(
    figures: &Figures,
    wanted: CauseGroup,
    value: fn(&figures::Cause) -> u64,
) -> Vec<Sample<u64>> {
    let causes = Cause::ALL
        .into_iter()
        .filter(|cause| CauseGroup::of(*cause) == wanted);
    let sample = |cause: Cause| {
        let counted = figures.causes.get(cause.name());
        (word(cause.name()), counted.map_or(0, value))
    };
    causes.map(sample).collect()
}

fn packets(figures: &Figures, cause: Cause) -> u64 {
    let counted = figures.causes.get(cause.name());
    counted.map_or(0, |counted| counted.packets)
}
