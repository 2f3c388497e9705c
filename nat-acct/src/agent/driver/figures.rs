//! Puts together what is told of the agent.

use anyhow::Result;
use nat_acct_common::layout::{Cause as Counted, IgnoredTotal};

use super::Driver;
use crate::{
    agent::{
        chronicle,
        figures::{Cause, Connections, Figures, Interface, Line, Log, Table, Volume},
    },
    clock,
    engine::Stats,
    log,
    record::{End, Match, Sums},
    source::live::{InterfaceState, Occupied},
};

impl Driver {
    /// How it stands, given how much of the table is in use.
    pub(in crate::agent) fn figures(&self, occupied: Occupied) -> Result<Figures> {
        let now_ns = clock::monotonic_ns();
        let stats = self.engine.stats();
        let ignored = self.live.ignored()?;
        let output = self.recorder.figures(now_ns, stats);
        let totals = chronicle::totals(stats, output.written, &ignored);
        Ok(Figures {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: self.recorder.wall_clock(now_ns),
            started: self.recorder.wall_clock(self.chronicle.started_ns),
            counting_since: self.recorder.wall_clock(self.live.made_ns()),
            lives_on: self.live.lives_on(),
            interfaces: self.live.interfaces().into_iter().map(interface).collect(),
            connections: self.connections(stats),
            sent: volume(stats.totals.sent),
            received: volume(stats.totals.received),
            causes: ignored.into_iter().map(cause).collect(),
            table: self.table(occupied),
            output,
            log: self.log(),
            recent: self.chronicle.history.recent(now_ns, totals),
        })
    }

    fn connections(&self, stats: &Stats) -> Connections {
        let by_match = |is_found| {
            let all = Match::ALL.into_iter();
            let wanted = all.filter(move |matched| matched.is_found() == is_found);
            let count = |matched: Match| {
                let count = stats.matched.get(&matched).copied();
                (matched.word(), count.unwrap_or(0))
            };
            wanted.map(count).collect()
        };
        let by_end = |end: End| (end.word(), stats.closed.get(&end).copied().unwrap_or(0));
        Connections {
            adopted: self.chronicle.adopted,
            opened: stats.opened - self.chronicle.adopted,
            open: self.engine.open_connections() as u64,
            ended: End::OF_AGENT.into_iter().map(by_end).collect(),
            matched: by_match(true),
            unmatched: by_match(false),
            partial: stats.partial,
            stray_openings: stats.stray_openings,
            resets_refuted: stats.resets_refuted,
            outside_unmatched: stats.outside_unmatched,
        }
    }

    fn log(&self) -> Log {
        let told = log::told();
        let line = |line: log::Line| Line {
            at: self.recorder.wall_clock(line.at_ns),
            level: line.level.as_str().to_lowercase(),
            text: line.text,
        };
        Log {
            errors: told.errors,
            warnings: told.warnings,
            last: told.last.map(line),
        }
    }

    fn table(&self, occupied: Occupied) -> Table {
        let last_sweep = self.sweep.last();
        Table {
            slots: u64::from(self.live.slots() - 1),
            used: occupied.connections,
            half_open_limit: self.live.half_open_limit().into(),
            half_open: occupied.half_open,
            sweeps: self.chronicle.sweeps,
            found_by_sweep: self.chronicle.found_by_sweep,
            sweep_seconds: last_sweep.all_ns as f64 / 1e9,
            sweep_longest_part_seconds: last_sweep.longest_ns as f64 / 1e9,
        }
    }
}

fn interface(state: InterfaceState) -> Interface {
    Interface {
        name: state.name,
        side: state.side.to_owned(),
        hook: state.hooks.map(|hooks| hooks.to_string()),
        trouble: state.trouble,
        hides_packets: state.hides_packets,
        flowtables: state.flowtables,
    }
}

fn cause((cause, total): (Counted, IgnoredTotal)) -> (String, Cause) {
    let figures = Cause {
        packets: total.packets,
        payload_bytes: total.payload_bytes,
    };
    (cause.name().to_owned(), figures)
}

fn volume(sums: Sums) -> Volume {
    Volume {
        payload_bytes: sums.payload_bytes,
        retransmitted_bytes: sums.retransmitted_bytes,
        ip_bytes: sums.ip_bytes,
        packets: sums.packets,
    }
}
