//! Memory in the kernel for a connection: what it consists of, and what it is on machines of other
//! sizes.

use super::rows::{Conntrack, Row};
use crate::bench::table::Table;

/// Possible processors of common machines.
const PROCESSORS: [u64; 4] = [2, 4, 16, 64];
/// Without which there is no record: addresses, ports and network (40 bytes); when it was opened and
/// last seen, the first and the next sequence number of both sides, and how far it is (32 bytes). And
/// counters for both directions on each processor.
const FLOOR: (u64, u64) = (72, 48);

/// The maps that grow with `--max-connections`, and what they are for.
const PARTS: [(&str, &str); 8] = [
    (
        "FLOWS",
        "flow table: buckets of 64 bytes, at most half full, and spare ones",
    ),
    ("CONNECTIONS", "facts"),
    ("COUNTERS", "counters by bucket, a part for each processor"),
    ("OUTSIDE_SYNS", "SYNs on the outside, a hash"),
    (
        "OVERFLOW",
        "spare places of connections whose set is full, a hash",
    ),
    ("SPARES", "numbers of free spare places"),
    ("FREE_SLOTS", "numbers of free slots"),
    ("PERMITS", "permits of half-open connections"),
];

/// For a connection, the table being full.
pub fn parts(row: &Row) -> Table {
    let mut table = Table::new(&["map", "what", "bytes", "and on each processor"]);
    let mut sum = (0.0, 0.0);
    let mut add = |name: &str, what: &str, bytes: (f64, f64)| {
        sum = (sum.0 + bytes.0, sum.1 + bytes.1);
        table.add(line(name, what, bytes));
    };
    for (name, what) in PARTS {
        add(name, what, of(row, |map| map == name));
    }
    let others = |map: &str| PARTS.iter().all(|(name, _)| *name != map);
    add(
        "all others",
        "of a size that does not grow",
        of(row, others),
    );
    table.add(line("together", "", sum));
    table
}

/// On machines with few and many processors.
pub fn by_processors(row: &Row, conntrack: &Conntrack) -> Table {
    let heading = PROCESSORS.map(|processors| format!("{processors} processors"));
    let heading: Vec<_> = ["bytes"]
        .into_iter()
        .chain(heading.iter().map(String::as_str))
        .collect();
    let mut table = Table::new(&heading);
    let mut add = |what: &str, bytes: &dyn Fn(f64) -> f64| {
        let cells = PROCESSORS.map(|processors| format!("{:.0}", bytes(processors as f64)));
        table.add([what.to_owned()].into_iter().chain(cells).collect());
    };
    let (fixed, on_each) = of(row, |_| true);
    add("nat-acct", &|processors| fixed + on_each * processors);
    let (facts, counters) = (FLOOR.0 as f64, FLOOR.1 as f64);
    add("what a record needs", &|processors| {
        facts + counters * processors
    });
    let entry = conntrack.each(conntrack.entry_bytes + conntrack.extension_bytes);
    add("conntrack", &|_| entry);
    table
}

/// What maps with some names take for a connection: whatever the processors, and on each.
pub fn of(row: &Row, is_meant: impl Fn(&str) -> bool) -> (f64, f64) {
    let maps = row.maps.iter().filter(|map| is_meant(&map.name));
    let sums = maps.fold((0, 0), |sums, map| {
        (sums.0 + map.bytes, sums.1 + map.bytes_a_processor)
    });
    (row.each(sums.0), row.each(sums.1))
}

fn line(name: &str, what: &str, (bytes, on_each): (f64, f64)) -> Vec<String> {
    let shown = |bytes: f64| format!("{bytes:.1}");
    let name = if name.contains(' ') || name == "together" {
        name.to_owned()
    } else {
        format!("`{name}`")
    };
    vec![name, what.to_owned(), shown(bytes), shown(on_each)]
}
