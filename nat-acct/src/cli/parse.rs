//! From the words of the command line to what is meant. Help and version are no errors, yet
//! nothing is to be done after them.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, error::ErrorKind};
use nix::unistd::{SysconfVar, sysconf};

use super::{Args, Invocation, UsageError};

/// Every kernel that runs BPF programs knows its page size.
const USUAL_PAGE_BYTES: u32 = 4096;

/// Why there is nothing to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Help or version was asked for: this text is for standard output.
    Answer(String),
    /// The command line is wrong.
    Usage {
        /// In what way.
        error: UsageError,
        /// The command that shows the options in question.
        help: String,
    },
}

/// What `words` mean, the program's name first.
pub fn parse<I, W>(words: I) -> Result<Invocation, Refusal>
where
    I: IntoIterator<Item = W>,
    W: Into<OsString>,
{
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    match Args::try_parse_from(&words) {
        Ok(args) => Invocation::new(args, page_bytes()).map_err(|error| wrong(error, &words)),
        Err(error) => Err(refusal(&error, &words)),
    }
}

fn refusal(error: &clap::Error, words: &[OsString]) -> Refusal {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Refusal::Answer(error.render().to_string())
        }
        _ => wrong(UsageError::of_clap(error), words),
    }
}

/// The options are those of a command, if one was typed.
fn wrong(error: UsageError, words: &[OsString]) -> Refusal {
    let program = Args::command();
    let command = words.get(1).and_then(|word| program.find_subcommand(word));
    let help = match command {
        Some(command) => format!("nat-acct {} --help", command.get_name()),
        None => "nat-acct --help".to_owned(),
    };
    Refusal::Usage { error, help }
}

fn page_bytes() -> u32 {
    let answer = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    answer
        .and_then(|bytes| u32::try_from(bytes).ok())
        .unwrap_or(USUAL_PAGE_BYTES)
}

#[cfg(test)]
mod tests;
