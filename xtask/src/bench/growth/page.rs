//! The section of the page.

use super::kernel;
use super::rows::{Conntrack, Row, Rows};
use crate::bench::list::list;
use crate::bench::machine;
use crate::bench::spread::{self, Spread};
use crate::bench::table::Table;

pub fn page(rows: &Rows, sweeps: u32) -> String {
    let mut parts = vec![
        list(machine::facts()),
        growth(&rows.agents).to_string(),
        meaning(sweeps),
    ];
    if let Some(largest) = rows.agents.iter().max_by_key(|row| row.connections) {
        parts.extend([
            in_the_kernel(largest),
            kernel::parts(largest).to_string(),
            kernel::by_processors(largest, &rows.conntrack).to_string(),
            beside(&rows.conntrack),
        ]);
    }
    parts.join("\n")
}

fn growth(rows: &[Row]) -> Table {
    let mut table = Table::new(&[
        "connections",
        "idle, CPU ms a second",
        "sweep s",
        "its longest part ms",
        "its CPU ns a connection",
        "own bytes a connection",
        "kernel bytes a connection",
    ]);
    for row in rows {
        let idle_ms = 1e3 * row.idle_processor_s / row.idle_s;
        let (fixed, on_each) = kernel::of(row, |_| true);
        let connections = row.connections as f64;
        table.add(vec![
            row.connections.to_string(),
            format!("{idle_ms:.2}"),
            shown(&row.sweep_s, 1.0, 3),
            shown(&row.sweep_longest_part_s, 1e3, 1),
            shown(&row.sweep_processor_s, 1e9 / connections, 0),
            format!("{:.0}", row.each(row.own_bytes)),
            format!("{fixed:.0} + {on_each:.0} for each processor"),
        ]);
    }
    table
}

fn shown(values: &[f64], unit: f64, digits: usize) -> String {
    spread::shown(Spread::of(values.iter().map(|value| value * unit)), digits)
}

fn meaning(sweeps: u32) -> String {
    format!(
        "A table with room for so many connections, and as many open, each with its SYN on the \
         outside. Nothing happens. `idle`: a minute, in which there is one sweep. Sweep: a look at all \
         SYNs on the outside and all connections for what events missed; median of {sweeps} \
         (least–most), by the agent's own metrics. It goes in parts, between which everything else \
         has its turn. Its CPU includes reading the configuration and answering for metrics. At the \
         end each connection has its record with its own translated address and packets, or the \
         benchmark fails.\n"
    )
}

fn in_the_kernel(row: &Row) -> String {
    format!(
        "Bytes in the kernel for each of {} connections, as the kernel says of each map. They are taken \
         from the start, and the same whatever happens. The ring buffer (`--ring-bytes`) is not in it.\n",
        row.connections
    )
}

fn beside(conntrack: &Conntrack) -> String {
    format!(
        "`what a record needs`: 40 bytes of addresses, ports and network; 32 bytes for when it was \
         opened and last seen, the first and the next sequence number of both sides, and how far it is; \
         and 48 bytes of counters on each processor. That is the floor, in a table without a free place \
         and without SYNs on the outside. `conntrack`: an entry of \
         the kernel's own connection tracking, {:.0} bytes, with what translation, counters and times \
         add to it, {:.0} bytes; measured by {} connections through the gateway. It counts on no \
         processor of its own, and does not outlive its connection.\n",
        conntrack.each(conntrack.entry_bytes),
        conntrack.each(conntrack.extension_bytes),
        conntrack.conntrack_entries
    )
}
