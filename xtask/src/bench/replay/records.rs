//! What a file of records adds up to.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use nat_acct_tests::truth::Record;
use serde_json::Value;

use crate::bench::traffic::{Account, Sums};

/// Fails if the records are not those that the truth demands.
pub fn check(file: &Path, truth: &Sums) -> Result<()> {
    let sums = sums(file).with_context(|| format!("cannot read {}", file.display()))?;
    sums.ensure_equal(truth)
        .with_context(|| format!("wrong records in {}", file.display()))
}

fn sums(file: &Path) -> Result<Sums> {
    let mut sums = Sums::default();
    for line in BufReader::new(File::open(file)?).lines() {
        let value: Value = serde_json::from_str(&line?)?;
        if Record::is_end(&value) {
            sums.add(&Account::from(Record::read(&value)?));
        }
    }
    Ok(sums)
}
