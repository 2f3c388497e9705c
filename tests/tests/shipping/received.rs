//! What a receiver has got: records by their `event.id`, and how often one came again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Result, ensure};

use crate::output;

/// Records by their `event.id`.
#[derive(Default)]
pub struct Received {
    lines: BTreeMap<String, String>,
    /// How many came that were there.
    pub again: usize,
    /// What no record must do.
    error: Option<anyhow::Error>,
}

impl Received {
    /// Takes a line. What is wrong with it is said by [`Received::lines`].
    pub fn take(&mut self, line: &str) {
        if let Err(error) = self.try_take(line) {
            self.error.get_or_insert(error);
        }
    }

    /// The lines so far.
    pub fn lines(&self) -> Result<&BTreeMap<String, String>> {
        match &self.error {
            Some(error) => anyhow::bail!("{error:#}"),
            None => Ok(&self.lines),
        }
    }

    /// That these are all, and nothing else has come.
    pub fn check(&self, written: &BTreeMap<String, String>) -> Result<()> {
        let arrived = self.lines()?;
        for (id, line) in written {
            let arrived = arrived.get(id);
            ensure!(arrived == Some(line), "{line}\narrived as {arrived:?}");
        }
        ensure!(
            arrived.len() == written.len(),
            "more arrived than was written"
        );
        Ok(())
    }

    fn try_take(&mut self, line: &str) -> Result<()> {
        match self.lines.entry(output::id(line)?) {
            Entry::Vacant(free) => {
                free.insert(line.to_owned());
            }
            Entry::Occupied(there) => {
                ensure!(there.get() == line, "{}\nand\n{line}", there.get());
                self.again += 1;
            }
        }
        Ok(())
    }
}
