//! The section of the page: what was loaded, a row for each way to ask, and what the figures mean.

use super::{Args, Asked, load::Loaded};
use crate::bench::{
    list::list,
    machine,
    spread::{Spread, shown},
    table::Table,
};

const HEADING: [&str; 7] = [
    "program",
    "version",
    "import, 1000 records/s",
    "a question, warm, ms",
    "cold, ms",
    "peak MB",
    "bytes a record",
];
/// What may be missing, as the names of its rows begin.
const OTHERS: [&str; 3] = ["zstd -dc, rg -F", "DuckDB", "ClickHouse"];

pub fn page(args: &Args, loaded: &Loaded, asked: &[Asked]) -> String {
    let mut table = Table::new(&HEADING);
    for asked in asked {
        table.add(row(asked));
    }
    let is_missing = |name: &&str| !asked.iter().any(|asked| asked.name.starts_with(name));
    for name in OTHERS.into_iter().filter(is_missing) {
        table.add(vec![name.to_owned(), "not installed".to_owned()]);
    }
    let remarks = asked
        .iter()
        .map(|asked| format!("`{}`: {}", asked.name, asked.remark));
    [
        list(machine::facts().into_iter().chain(facts(args, loaded))),
        table.to_string(),
        meaning(args),
        list(remarks),
    ]
    .join("\n")
}

fn row(asked: &Asked) -> Vec<String> {
    let shown = |values: &[f64], digits| shown(Spread::of(values.iter().copied()), digits);
    let imported: Vec<_> = asked.imported.iter().map(|rate| rate / 1e3).collect();
    vec![
        asked.name.to_owned(),
        asked.version.clone(),
        shown(&imported, 0),
        shown(&asked.warm_ms, 1),
        shown(&asked.cold_ms, 1),
        format!("{:.0}", asked.peak_bytes as f64 / 1e6),
        format!("{:.1}", asked.bytes_a_record),
    ]
}

fn facts(args: &Args, loaded: &Loaded) -> Vec<String> {
    let records = loaded.records as f64;
    let rates = |which: usize| {
        let rates: Vec<_> = loaded.rates.iter().map(|rates| rates[which]).collect();
        let spread = Spread::of(rates.iter().copied());
        let spread = spread.map(|spread| spread.shown(|rate| format!("{:.0}", rate / 1e3)));
        let [first, last] =
            [rates.first(), rates.last()].map(|rate| rate.map_or(0.0, |rate| rate / 1e3));
        format!(
            "{} (first {first:.0}, last {last:.0})",
            spread.unwrap_or_default()
        )
    };
    vec![
        format!(
            "The day: {} connections of 20,000 clients behind {} addresses, lives from 20 ms to 12 h, \
             {:.0} bytes a line in the compact format",
            args.records,
            super::day::ADDRESSES,
            loaded.plain_bytes as f64 / records
        ),
        format!(
            "Import on one CPU, a million records at a time, thousand records a second: {} by the clock, \
             {} by the CPU; at most {:.0} MB",
            rates(0),
            rates(1),
            loaded.peak_bytes as f64 / 1e6
        ),
    ]
}

fn meaning(args: &Args) -> String {
    format!(
        "Median of {} questions (least–most), drawn from the day. Cold: the kernel has forgotten the files \
         of the store. The answers of nat-acct are compared with what the generator made, or the benchmark \
         fails: all that had the endpoint at the time, and no other; those from ClickHouse also, word for \
         word, with those from the store.\n",
        args.questions
    )
}
