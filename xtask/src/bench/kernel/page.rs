//! The section of the page: packets of open connections, and what opening and closing takes.

use super::rows::{IN_BUCKET, LEAST, LIVES, PER_CPU, Row, Rows, TEXTBOOK, ratio};
use crate::bench::list::list;
use crate::bench::machine;
use crate::bench::spread::{Spread, shown};
use crate::bench::table::Table;

/// With fewer connections a run of openings is too short to be measured.
const FEW: u64 = 1_000;

const BACK_TO_BACK: &str = "\
The same, but a packet may begin before the one before it is done, so the processor waits for the \
memory of several at a time. In life there is a network stack between two packets: it is between \
these two tables.
";

const LIFE: &str = "\
The packets of a handshake and of an ending, connection after connection. `together` adds up the \
medians. `textbook`: the same as above; a SYN makes an element of the kernel's hash map; SYN and \
FIN are told through the ring buffer, also the SYN on the outside, of which nothing else is kept. It \
knows no numbers, no retransmissions and no second connection with the same 4-tuple. `least`: what \
cannot be left out where each packet is counted, SYN, FIN and RST are told through the ring buffer, and a \
SYN on the outside is kept in the kernel's hash, where it is found when its event is lost: `counters in the \
bucket`, these events and that hash, without a lock, facts and numbers. Together that is the floor.
";

pub fn page(rows: &Rows, rounds: u32) -> String {
    [
        list(machine::facts()),
        open(rows, false).to_string(),
        meaning(rounds),
        open(rows, true).to_string(),
        BACK_TO_BACK.to_owned(),
        opening_and_closing(rows).to_string(),
        LIFE.to_owned(),
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
        "per-CPU counters ns",
        "per-CPU counters / textbook",
        "counters in the bucket ns",
    ]);
    for row in rows
        .ours()
        .filter(|row| is_drawn(row) && row.back_to_back == back_to_back)
    {
        let ours = rows.above_empty(row);
        let textbook = rows.other_above_empty(row, TEXTBOOK);
        let per_cpu = rows.other_above_empty(row, PER_CPU);
        let in_bucket = rows.other_above_empty(row, IN_BUCKET);
        let of_textbook = |one: &[f64]| ratio(one, textbook.as_deref()?);
        let its = of_textbook(&ours);
        let floor = per_cpu.as_deref().and_then(of_textbook);
        table.add(vec![
            name(row),
            row.connections.to_string(),
            shown(Spread::of(ours), 1),
            shown(textbook.and_then(Spread::of), 1),
            shown(its, 2),
            shown(per_cpu.and_then(Spread::of), 1),
            shown(floor, 2),
            shown(in_bucket.and_then(Spread::of), 1),
        ]);
    }
    table
}

fn opening_and_closing(rows: &Rows) -> Table {
    let is_wanted = |row: &&Row| !is_drawn(row) && row.connections >= FEW;
    let mut table = Table::new(&[
        "packet",
        "connections",
        "nat-acct ns",
        "textbook ns",
        "least ns",
    ]);
    let mut together = Together::default();
    let mut all = rows.ours().filter(is_wanted).peekable();
    while let Some(row) = all.next() {
        let other = |program| rows.other_above_empty(row, program).and_then(Spread::of);
        let each = [
            Spread::of(rows.above_empty(row)),
            other(LIVES),
            other(LEAST),
        ];
        together.add(&each);
        let [ours, textbook, least] = each.map(|spread| shown(spread, 0));
        let connections = row.connections.to_string();
        table.add(vec![name(row), connections.clone(), ours, textbook, least]);
        let what = |row: &Row| (row.family.clone(), row.connections);
        if all.peek().is_none_or(|next| what(next) != what(row)) {
            let family = format!("together, {}", family(row));
            let [ours, textbook, least] = std::mem::take(&mut together).shown();
            table.add(vec![family, connections, ours, textbook, least]);
        }
    }
    table
}

/// The medians of several packets, added up, by program.
#[derive(Default)]
struct Together([Option<f64>; 3]);

impl Together {
    fn add(&mut self, each: &[Option<Spread>; 3]) {
        for (sum, spread) in self.0.iter_mut().zip(each) {
            if let Some(spread) = spread {
                *sum.get_or_insert(0.0) += spread.median();
            }
        }
    }

    fn shown(self) -> [String; 3] {
        let shown = |sum: f64| format!("{sum:.0}");
        self.0.map(|sum| sum.map_or_else(|| "–".to_owned(), shown))
    }
}

fn meaning(rounds: u32) -> String {
    format!(
        "Nanoseconds of CPU for a packet above those of an empty program, median of {rounds} rounds \
         (least–most). In a round the programs see the same packets one after the other on one CPU, \
         400,000 each, by `BPF_PROG_TEST_RUN`; the connection of each packet is drawn at random in \
         the kernel. A packet begins when the one before it is done. `textbook`: the kernel's hash map \
         from the 4-tuple to a slot, the slot in a per-CPU array, three additions. `per-CPU counters`: a \
         table as large as ours and, by place in it, three additions in an array with a part for each \
         processor, and nothing else: what counters per CPU take at least, within the noise and what a \
         search by linear probing takes more in a table that is half full. `counters in the bucket`: the \
         same table with the additions in the cache line of the key, which in life would have to be \
         atomic. All packets of ours are found in the counters afterwards, or the \
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
