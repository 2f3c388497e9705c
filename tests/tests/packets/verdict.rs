//! Whether what came of the cases is what the table says.

use nat_acct_tests::cases::{Case, Outcome};
use nat_acct_tests::shapes::{self, Way};

/// The cases that were shown in one way.
pub struct Verdicts {
    way: Way,
    failures: Vec<String>,
}

impl Verdicts {
    pub fn new(way: Way) -> Self {
        Self {
            way,
            failures: Vec::new(),
        }
    }

    /// Compares what came of a case with what the table says.
    pub fn add(&mut self, case: &Case, outcome: &Outcome) {
        if *outcome == case.expected {
            shapes::shown(case.theme, case.name, self.way, outcome.word());
        } else {
            self.failures.push(difference(case, outcome));
        }
    }

    /// Fails if a case did.
    pub fn end(self) {
        assert!(
            self.failures.is_empty(),
            "by {}, {} cases are not as the table says:\n{}",
            self.way.name(),
            self.failures.len(),
            self.failures.join("\n")
        );
    }
}

/// What is different, and nothing else: some cases have a thousand records.
fn difference(case: &Case, outcome: &Outcome) -> String {
    let mut text = format!("{}, {}:\n", case.theme, case.name);
    let (expected, found) = (&case.expected, outcome);
    if expected.ignored != found.ignored {
        text += &format!(
            "  ignored {:?}, not {:?}\n",
            found.ignored, expected.ignored
        );
    }
    if expected.connections.len() != found.connections.len() {
        let [found, expected] = [found, expected].map(|one| one.connections.len());
        text += &format!("  {found} records, not {expected}\n");
    }
    let pairs = expected.connections.iter().zip(&found.connections);
    for (expected, found) in pairs.filter(|(expected, found)| expected != found).take(3) {
        text += &format!("  expected {expected:?}\n  found    {found:?}\n");
    }
    text
}
