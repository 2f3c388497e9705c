//! A report in the words of people.

use std::{collections::BTreeMap, fmt::Write as _};

use super::report::{Report, State, Tables};
use crate::agent::figures::{Figures, Interface, Output};

pub(super) fn describe(report: &Report, pin: &str) -> String {
    let mut lines = Vec::new();
    if let Some(figures) = &report.agent {
        lines.extend(of_agent(figures));
    }
    if let Some(tables) = &report.tables {
        lines.extend(of_tables(tables, report.state));
    }
    if report.state == State::Absent {
        lines.push(format!("no agent answers: nothing lives on in {pin}"));
    }
    lines.extend(
        report
            .problems
            .iter()
            .map(|problem| format!("PROBLEM: {problem}")),
    );
    let mut text = String::new();
    for line in lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    }
    text
}

fn of_agent(figures: &Figures) -> Vec<String> {
    let Figures {
        version,
        started,
        counting_since,
        connections,
        table,
        output,
        recent,
        ..
    } = figures;
    let mut lines = vec![format!(
        "nat-acct {version}: an agent runs since {started:.0}"
    )];
    if figures.lives_on {
        lines.push(format!(
            "tables live on; they count since {counting_since:.0}"
        ));
    }
    lines.extend(figures.interfaces.iter().map(of_interface));
    lines.extend([
        format!(
            "{} connections open, {} opened, {} ended{}",
            connections.open,
            connections.opened,
            connections.ended.values().sum::<u64>(),
            in_brackets(&connections.ended)
        ),
        format!(
            "{} without a translated address{}, {} partial",
            connections.unmatched.values().sum::<u64>(),
            in_brackets(&connections.unmatched),
            connections.partial
        ),
        format!(
            "{} bytes sent and {} received by those that have ended",
            figures.sent.payload_bytes, figures.received.payload_bytes
        ),
        format!(
            "each second, of the last {:.0}: {:.1} opened, {:.1} ended, {:.1} records written",
            recent.seconds,
            rate(recent.opened, recent.seconds),
            rate(recent.ended, recent.seconds),
            rate(recent.written, recent.seconds)
        ),
        format!(
            "{} of {} places taken; {} of at most {} wait for an answer",
            table.used, table.slots, table.half_open, table.half_open_limit
        ),
        format!(
            "records go to {}: {} written, {} wait{}; {} errors",
            output.to,
            output.written,
            output.waiting,
            lag(output),
            output.errors
        ),
    ]);
    lines.extend(of_causes(figures));
    if let Some(last) = &figures.log.last {
        let (errors, warnings) = (figures.log.errors, figures.log.warnings);
        lines.push(format!(
            "{errors} errors and {warnings} warnings logged; the last:"
        ));
        lines.push(format!("  {:.0} {} {}", last.at, last.level, last.text));
    }
    lines
}

fn lag(output: &Output) -> String {
    if output.waiting == 0 {
        return String::new();
    }
    format!(", the oldest for {:.1} s", output.lag_seconds)
}

fn of_interface(interface: &Interface) -> String {
    let how = interface.hook.as_deref().unwrap_or("not watched");
    format!("{} {}: {how}", interface.side, interface.name)
}

/// What has occurred.
fn of_causes(figures: &Figures) -> Vec<String> {
    let occurred = figures.causes.iter().filter(|(_, cause)| cause.packets > 0);
    let counts: BTreeMap<_, _> = occurred
        .map(|(name, cause)| (name.clone(), cause.packets))
        .collect();
    if counts.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "left out by the programs, or not done{}",
        in_brackets(&counts)
    )]
}

fn of_tables(tables: &Tables, state: State) -> Vec<String> {
    let agent = match state {
        State::Well | State::Troubled => "an agent runs",
        State::CountingOnly | State::Absent => "no agent runs: the programs go on counting",
    };
    vec![
        format!("{}: {agent}", tables.pin),
        format!("since {:.0}", tables.counting_since),
        format!("inside {}", tables.inside.join(", ")),
        format!("outside {}", tables.outside.join(", ")),
        format!(
            "{} connections of at most {}; {} of them wait for an answer",
            tables.used, tables.slots, tables.half_open
        ),
        format!("{} records so far", tables.records),
        format!(
            "in no record: {} packets with {} payload bytes of connections opened before",
            tables.unknown_packets, tables.unknown_payload_bytes
        ),
    ]
}

/// Those that there are.
fn in_brackets(counts: &BTreeMap<String, u64>) -> String {
    let there = counts.iter().filter(|(_, count)| **count > 0);
    let words: Vec<_> = there
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}
