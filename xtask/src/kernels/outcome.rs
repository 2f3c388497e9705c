//! What the test programs say of the tests.

use super::selection::Test;

/// Reads their output, line by line.
pub struct Outcome {
    /// Failed, not come to, or no longer there.
    not_passed: Vec<Test>,
}

impl Outcome {
    /// Nothing is known yet of these tests.
    pub fn of(tests: &[Test]) -> Self {
        Self {
            not_passed: tests.to_vec(),
        }
    }

    /// Takes notice of `test some::name ... ok`.
    pub fn read(&mut self, line: &str) {
        let test = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... "));
        if let Some((name, "ok")) = test {
            self.not_passed.retain(|test| test.name != name);
        }
    }

    /// The tests that have not passed.
    pub fn not_passed(&self) -> &[Test] {
        &self.not_passed
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Test};

    #[test]
    fn only_a_test_that_says_so_has_passed() {
        let test = |name| Test { file: "file", name };
        let mut outcome = Outcome::of(&[test("a::good"), test("bad"), test("gone")]);
        for line in [
            "running 2 tests",
            "test a::good ... ok",
            "test bad ... FAILED",
        ] {
            outcome.read(line);
        }
        assert_eq!(outcome.not_passed(), [test("bad"), test("gone")]);
    }
}
