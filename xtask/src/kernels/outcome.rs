//! What the test programs say of the tests.

use std::collections::BTreeSet;

use super::selection::TESTS;

/// Reads their output, line by line.
#[derive(Default)]
pub struct Outcome {
    passed: BTreeSet<String>,
}

impl Outcome {
    /// Takes notice of `test some::name ... ok`.
    pub fn read(&mut self, line: &str) {
        let test = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... "));
        if let Some((name, "ok")) = test {
            self.passed.insert(name.to_owned());
        }
    }

    /// How many tests have passed.
    pub fn passed(&self) -> usize {
        self.passed.len()
    }

    /// The selected tests that have not passed: failed, not come to, or no longer there.
    pub fn missing(&self) -> Vec<String> {
        let all = TESTS.iter().flat_map(|file| {
            let full = |test: &&str| format!("{}::{test}", file.name);
            file.tests.iter().map(full).collect::<Vec<_>>()
        });
        all.filter(|name| {
            let (_, test) = name.split_once("::").unwrap_or_default();
            !self.passed.contains(test)
        })
        .collect()
    }
}
