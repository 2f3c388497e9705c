//! `docs/KERNELS.md`: what each suite's kernel has shown when all tests of the selection last
//! passed on it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use nat_acct_tests::shapes::{self, Notes, Way};

use super::script;
use crate::process::root;
use crate::suite::Suite;

const PAGE: &str = "docs/KERNELS.md";
const BEGINNING: &str = "\
# Kernels

What a selection of the tests has shown on the kernels of Debian's suites, each in a virtual machine
with all devices that its kernel has: `exact` is every byte of payload, every packet and every IP
byte, as the endpoints count them. `cargo xtask test --kernels --shapes` writes this page.
";
/// In the shared directory: says that all tests have passed, on which release.
const PASSED: &str = "passed";

/// What was shown on one kernel.
struct Column {
    suite: Suite,
    release: String,
    notes: Notes,
}

/// Remembers that all tests have passed on this release.
pub fn remember(share: &Path, release: &str) -> Result<()> {
    Ok(fs::write(share.join(PASSED), release)?)
}

/// Writes the page from what is remembered.
pub fn write(share_of: impl Fn(Suite) -> PathBuf) -> Result<()> {
    let mut columns = Vec::new();
    for suite in Suite::ALL {
        let share = share_of(suite);
        if let Ok(release) = fs::read_to_string(share.join(PASSED)) {
            columns.push(Column {
                suite,
                release,
                notes: shapes::read(&script::notes(&share))?,
            });
        }
    }
    fs::write(root().join(PAGE), render(&columns))?;
    println!("==> written to {PAGE}");
    Ok(())
}

fn render(columns: &[Column]) -> String {
    let mut page = BEGINNING.to_owned();
    page += "\n";
    page += &row("", columns, |column| column.suite.to_string());
    page += &row("---", columns, |_| "---".to_owned());
    page += &row("release", columns, |column| column.release.clone());
    for group in shapes::OF_KERNELS {
        let cases = columns.iter().flat_map(|column| column.notes.keys());
        let cases: BTreeSet<_> = cases.filter(|(of, _)| of == group).collect();
        for case in cases {
            page += &row(&case.1, columns, |column| {
                let shown = column.notes.get(case);
                let result = shown.and_then(|shown| shown.get(&Way::Live));
                result.cloned().unwrap_or_default()
            });
        }
    }
    page
}

fn row(name: &str, columns: &[Column], cell: impl Fn(&Column) -> String) -> String {
    let cells: Vec<_> = columns.iter().map(cell).collect();
    format!("| {name} | {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nat_acct_tests::shapes::Shown;

    #[test]
    fn a_kernel_is_a_column_and_a_case_a_row() {
        let case = ("Devices".to_owned(), "bond".to_owned());
        let exact = Shown::from([(Way::Live, "exact".to_owned())]);
        let column = |suite, release: &str, notes| Column {
            suite,
            release: release.to_owned(),
            notes,
        };
        let page = render(&[
            column(Suite::Bookworm, "6.1", Notes::from([(case, exact)])),
            column(Suite::Sid, "7.2", Notes::new()),
        ]);
        let expect = "
|  | bookworm | sid |
| --- | --- | --- |
| release | 6.1 | 7.2 |
| bond | exact |  |
";
        assert_eq!(page.strip_prefix(BEGINNING), Some(expect));
    }
}
