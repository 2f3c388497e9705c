//! What replay says at its end, a line for each thing: what is wrong with the input and what to
//! do, then what was read and what came of it.

use std::fmt::Write as _;

use nat_acct_common::layout::Cause;

use super::{accounts::Accounts, coverage::Coverage, stream::Stream};
use crate::capture::Interface;

const SECOND_NS: f64 = 1e9;

/// What is wrong with a capture.
pub(super) fn complaints(stream: &Stream) -> Vec<String> {
    let capture = stream.capture();
    let name = capture.name();
    let troubles = capture.troubles().iter();
    let mut lines: Vec<_> = troubles
        .map(|trouble| format!("{name}: {trouble}"))
        .collect();
    if let Some(refusal) = stream.refusal() {
        lines.push(format!("{name}: {refusal}"));
        return lines;
    }
    let described = capture.interfaces();
    for missing in stream.sides().missing(described) {
        let there = interfaces(described);
        lines.push(format!(
            "{name}: there is no interface {missing}, but {there}"
        ));
    }
    match stream.late() {
        0 => {}
        late => lines.push(format!(
            "{name}: {late} times the clock went back by more than 0.1 s; the packets were taken \
             in the order of the capture"
        )),
    }
    match stream.read().undirected {
        0 => {}
        undirected => lines.push(format!(
            "{name}: of {undirected} segments it is not known whether client or remote sent them: \
             name the clients' networks with --inside-net"
        )),
    }
    lines
}

fn interfaces(described: &[Interface]) -> String {
    let each = described.iter().map(|interface| match &interface.name {
        Some(name) => format!("{name} (#{})", interface.number),
        None => format!("#{}", interface.number),
    });
    let each: Vec<_> = each.collect();
    match each.len() {
        0 => "none is described".to_owned(),
        _ => each.join(", "),
    }
}

/// Why there are no translated addresses.
pub(super) fn distance(accounts: &Accounts) -> Option<String> {
    let ahead_ns = accounts.clocks().too_far_apart_ns()?;
    let side = if ahead_ns < 0 { "behind" } else { "ahead of" };
    let seconds = ahead_ns.unsigned_abs() as f64 / SECOND_NS;
    Some(format!(
        "the clock of the outside captures is {seconds:.3} s {side} that of the inside, more than \
         --clock-slack allows for: connections were not matched; raise --clock-slack, or shift a \
         capture (editcap -t)"
    ))
}

/// Why there are no translated addresses at the beginning, or towards the end.
pub(super) fn too_short(coverage: &Coverage) -> Vec<String> {
    let seconds = |ns: u64| ns as f64 / SECOND_NS;
    let early = coverage.early_ns().map(|early_ns| {
        format!(
            "the captures of the outside begin at least {:.1} s after those of the inside: \
             connections opened earlier were not matched",
            seconds(early_ns)
        )
    });
    let missing = coverage.missing_ns().map(|missing_ns| {
        format!(
            "the captures of the outside end at least {:.0} s before those of the inside: \
             connections opened later were not matched",
            seconds(missing_ns)
        )
    });
    early.into_iter().chain(missing).collect()
}

/// What was read, and what came of it.
pub(super) fn totals(streams: &[Stream], accounts: &Accounts) -> Vec<String> {
    let sum = |f: fn(&Stream) -> u64| streams.iter().map(f).sum::<u64>();
    let packets = number_of(sum(|stream| stream.read().packets), "packet");
    let sums = accounts.records().sums();
    let connections = number_of(sums.connections, "connection");
    let unmatched = sums.connections - sums.matched;
    vec![
        format!("{packets} read{}", ignored(streams, accounts)),
        format!(
            "{connections}: {} matched, {unmatched} unmatched, {} partial; {} bytes sent, {} \
             received",
            sums.matched, sums.partial, sums.sent_bytes, sums.received_bytes
        ),
    ]
}

fn number_of(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn ignored(streams: &[Stream], accounts: &Accounts) -> String {
    let in_flow_step = accounts.ignored();
    let mut text = String::new();
    let mut add = |name: &str, packets: u64| {
        if packets > 0 {
            let separator = if text.is_empty() { "; ignored: " } else { ", " };
            let _ = write!(text, "{separator}{name} {packets}");
        }
    };
    for (cause, total) in in_flow_step {
        let parsed: u64 = streams
            .iter()
            .map(|stream| stream.read().ignored[cause as usize])
            .sum();
        // What has a spare place is counted like any other.
        if cause != Cause::Overflowed {
            add(cause.name(), parsed + total.packets);
        }
    }
    let sum = |f: fn(&Stream) -> u64| streams.iter().map(f).sum::<u64>();
    add("direction_unknown", sum(|stream| stream.read().undirected));
    add("other_interface", sum(|stream| stream.read().elsewhere));
    text
}
