//! How the program ends: the exit status, and for an error one line on standard error.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::{Refusal, UsageError};
use crate::one_line::one_line;

/// All was done, or the reader of standard output has seen enough.
pub const DONE: u8 = 0;
/// Something failed at run time.
pub const RUNTIME: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;

/// No agent runs, as `systemctl status` says it.
pub const NOT_RUNNING: u8 = 3;
/// An agent runs, but somebody must act.
pub const TROUBLED: u8 = 4;
/// `who` has not found anybody, and it is proved that there was nobody.
pub const NOBODY: u8 = 1;
/// `who` could not ask.
pub const NOT_ASKED: u8 = 2;
/// `who` has not found anybody, but there may have been somebody.
pub const NO_ANSWER: u8 = 3;

/// The end of a program that could not do its work, with its one line said.
pub fn runtime(error: &anyhow::Error) -> ExitCode {
    failed(error, RUNTIME)
}

/// The same with another status.
pub fn failed(error: &anyhow::Error, status: u8) -> ExitCode {
    say(&runtime_line(error));
    status.into()
}

/// The end of a program that had nothing to carry out, with the help or its one line said.
pub fn refused(refusal: &Refusal) -> ExitCode {
    match refusal {
        Refusal::Answer(text) => answered(text),
        Refusal::Usage { error, help } => {
            say(&usage_line(error, help));
            USAGE.into()
        }
    }
}

/// The end of a program whose work was to print `text`, as it stands.
pub fn answered(text: &str) -> ExitCode {
    answered_with(text, DONE)
}

/// The same with an exit status that is part of the answer.
pub fn answered_with(text: &str, status: u8) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => status.into(),
        // Who reads through a pager may leave before the end.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => status.into(),
        Err(error) => {
            runtime(&anyhow::Error::new(error).context("cannot write to standard output"))
        }
    }
}

fn runtime_line(error: &anyhow::Error) -> String {
    one_line(&format!("nat-acct: error: {error:#}"))
}

fn usage_line(error: &UsageError, help: &str) -> String {
    one_line(&format!("nat-acct: error: {error} (see {help})"))
}

/// Not by `eprintln!`, which panics where there is no standard error.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_errors_is_one_line() {
        let error = anyhow::anyhow!("no such\nfile")
            .context("cannot open /x")
            .context("cannot start");
        assert_eq!(
            runtime_line(&error),
            "nat-acct: error: cannot start: cannot open /x: no such\\nfile"
        );
    }

    #[test]
    fn a_usage_error_says_where_to_look() {
        let error = UsageError::InterfaceTwice("--inside", "--outside", "a\nb".into());
        assert_eq!(
            usage_line(&error, "nat-acct run --help"),
            "nat-acct: error: --outside a\\nb is also --inside a\\nb: name each interface once \
             (see nat-acct run --help)"
        );
    }
}
