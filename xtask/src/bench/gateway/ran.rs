//! A program with its figures, and whether it goes on taking part.

use anyhow::{Context, Result};

use super::contestant::{Contestant, Program};

/// One that failed is not run again.
pub struct Ran<F> {
    pub contestant: Contestant,
    pub figures: Vec<F>,
    /// Why there are no further ones.
    pub failed: Option<String>,
}

impl<F> Ran<F> {
    pub const fn new(contestant: Contestant) -> Self {
        Self {
            contestant,
            figures: Vec::new(),
            failed: None,
        }
    }

    pub fn takes_part(&self) -> bool {
        self.failed.is_none() && !matches!(self.contestant.program, Program::Missing)
    }

    /// Its figures of another round, and a line that tells them. Ours, and nothing at all, must not fail.
    pub fn note(&mut self, measured: Result<(F, String)>) -> Result<()> {
        let name = self.contestant.name;
        match (measured, &self.contestant.program) {
            (Ok((figures, said)), _) => {
                println!("    {name:<14} {said}");
                self.figures.push(figures);
                Ok(())
            }
            (Err(error), Program::Peer(..)) => {
                println!("    {name:<14} failed: {error:#}");
                self.failed = Some(format!("{error:#}"));
                Ok(())
            }
            (Err(error), _) => Err(error).context(name),
        }
    }
}
