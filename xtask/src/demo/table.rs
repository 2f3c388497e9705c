//! The table at the end: for each connection what the endpoints say, below it
//! what the record says, and whether that is equal.

use nat_acct_tests::truth::{Cell, Row};

use super::paint::{bad, faint, good};

const WHAT: [&str; 2] = ["endpoints", "record"];

pub fn print(rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    let names: Vec<_> = first
        .cells
        .iter()
        .map(|cell| cell.name.to_owned())
        .collect();
    let widths = widths(rows, &names);
    let label_width = rows
        .iter()
        .map(|row| row.label.chars().count())
        .max()
        .unwrap_or(0);
    let print = |label: &str, what: &str, cells: &[String], verdict: &str| {
        let cells: Vec<_> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| pad(cell, *width))
            .collect();
        println!(
            "{}  {}  {}  {verdict}",
            pad(label, label_width),
            pad(what, 9),
            cells.join("  ")
        );
    };
    print("connection", "", &names, "equal?");
    for row in rows {
        let truths: Vec<_> = row.cells.iter().map(|cell| cell.truth.clone()).collect();
        let records: Vec<_> = row.cells.iter().map(shown).collect();
        print(&row.label, WHAT[0], &truths, "");
        print(
            "",
            WHAT[1],
            &records,
            &if row.equal() { good("yes") } else { bad("NO") },
        );
    }
    println!(
        "{}",
        faint("any: the program does not tell; a..b: one end read a, the other wrote b")
    );
}

/// A value that differs says so without colour too.
fn shown(cell: &Cell) -> String {
    if cell.equal {
        cell.record.clone()
    } else {
        format!("≠ {}", cell.record)
    }
}

fn widths(rows: &[Row], names: &[String]) -> Vec<usize> {
    let width = |text: &str| text.chars().count();
    let column = |index: usize| {
        let cells = rows.iter().map(|row| &row.cells[index]);
        let widest = cells
            .map(|cell| width(&cell.truth).max(width(&shown(cell))))
            .max();
        widest.unwrap_or(0).max(width(&names[index]))
    };
    (0..names.len()).map(column).collect()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}
