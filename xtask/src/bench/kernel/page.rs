//! The section of the page: packets of open connections, and what opening and closing takes.

use super::rows::{IN_BUCKET, Row, Rows, TEXTBOOK, ratio};
use crate::bench::list::list;
use crate::bench::machine;
use crate::bench::spread::Spread;
use crate::bench::table::Table;

/// With fewer connections a run of openings is too short to be measured.
const FEW: u64 = 1_000;

const BACK_TO_BACK: &str = "\
The same, but a packet may begin before the one before it is done, so the processor waits for the \
memory of several at a time. In life there is a network stack between two packets: it is between \
these two tables.
";

pub fn page(rows: &Rows, rounds: u32) -> String {
    [
        list(machine::facts()),
        open(rows, false).to_string(),
        meaning(rounds),
        open(rows, true).to_string(),
        BACK_TO_BACK.to_owned(),
        opening_and_closing(rows).to_string(),
        "The packets of a handshake and of an ending, connection after connection. `together` adds \
         up the medians.\n"
            .to_owned(),
    ]
    .join("\n")
}

/// Packets of connections that are open: they are drawn, the others are not.
fn open(rows: &Rows, back_to_back: bool) -> Table {
    let mut table = Table::new(&[
        "packet",
        "connections",
        "nat-acct ns",
        "textbook ns",
        "nat-acct / textbook",
        "counters in the bucket ns",
    ]);
    for row in rows
        .ours()
        .filter(|row| is_drawn(row) && row.back_to_back == back_to_back)
    {
        let ours = rows.above_empty(row);
        let textbook = rows.other_above_empty(row, TEXTBOOK);
        let in_bucket = rows.other_above_empty(row, IN_BUCKET);
        let ratio = textbook.as_deref().and_then(|its| ratio(&ours, its));
        table.add(vec![
            name(row),
            row.connections.to_string(),
            shown(Spread::of(ours), 1),
            textbook.map_or_else(dash, |textbook| shown(Spread::of(textbook), 1)),
            ratio.map_or_else(dash, |ratio| shown(Some(ratio), 2)),
            in_bucket.map_or_else(dash, |its| shown(Spread::of(its), 1)),
        ]);
    }
    table
}

fn opening_and_closing(rows: &Rows) -> Table {
    let is_wanted = |row: &&Row| !is_drawn(row) && row.connections >= FEW;
    let mut table = Table::new(&["packet", "connections", "nat-acct ns"]);
    let mut together = 0.0;
    let mut all = rows.ours().filter(is_wanted).peekable();
    while let Some(row) = all.next() {
        let ours = Spread::of(rows.above_empty(row));
        together += ours.as_ref().map_or(0.0, Spread::median);
        let connections = row.connections.to_string();
        table.add(vec![name(row), connections.clone(), shown(ours, 0)]);
        let what = |row: &Row| (row.family.clone(), row.connections);
        if all.peek().is_none_or(|next| what(next) != what(row)) {
            let family = format!("together, {}", family(row));
            table.add(vec![family, connections, format!("{together:.0}")]);
            together = 0.0;
        }
    }
    table
}

fn meaning(rounds: u32) -> String {
    format!(
        "Nanoseconds of CPU for a packet above those of an empty program, median of {rounds} rounds \
         (least–most). In a round the programs see the same packets one after the other on one CPU, \
         400,000 each, by `BPF_PROG_TEST_RUN`; the connection of each packet is drawn at random in \
         the kernel. A packet begins when the one before it is done. `textbook`: the kernel's hash map from the 4-tuple to a slot, the slot in a \
         per-CPU array, three additions. `counters in the bucket`: a table \
         as ours with three additions in the cache line of the key (in life they would have to be atomic), \
         and nothing else. All packets are found in the counters afterwards, or the \
         benchmark fails.\n"
    )
}

fn is_drawn(row: &Row) -> bool {
    row.packet.contains("data") || row.packet.starts_with("ACK")
}

fn name(row: &Row) -> String {
    format!("{}, {}", row.packet, family(row))
}

fn family(row: &Row) -> &'static str {
    if row.family == "V4" { "IPv4" } else { "IPv6" }
}

fn shown(spread: Option<Spread>, digits: usize) -> String {
    let show = |value| format!("{value:.digits$}");
    spread.map_or_else(dash, |spread| spread.shown(show))
}

fn dash() -> String {
    "–".to_owned()
}
