//! From the words of the command line to what is meant. Help and version are no errors, yet
//! nothing is to be done after them.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgMatches, CommandFactory, FromArgMatches as _, error::ErrorKind, parser::ValueSource,
};
use nix::unistd::{SysconfVar, sysconf};

use super::{
    Args, Invocation, UsageError,
    file::{self, Setting},
};

/// The command that a configuration file is for.
const RUN: &str = "run";
/// Those that read one.
const WITH_FILE: [&str; 2] = [RUN, "detach"];
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
    let words = with_file(words.clone()).map_err(|error| wrong(error, &words))?;
    let matches = Args::command().try_get_matches_from(&words);
    let matches = matches.map_err(|error| refusal(&error, &words))?;
    let args = Args::from_arg_matches(&matches).map_err(|error| refusal(&error, &words))?;
    match Invocation::new(args, page_bytes()).map_err(|error| wrong(error, &words))? {
        Invocation::Run(mut run) => {
            run.options = options(&matches);
            Ok(Invocation::Run(run))
        }
        Invocation::CheckConfig(path) => {
            let program = words.first().cloned().unwrap_or_default();
            let run = ["run".into(), "--config".into(), path.clone().into()];
            parse(std::iter::once(program).chain(run)).map(|_| Invocation::CheckConfig(path))
        }
        other => Ok(other),
    }
}

/// `words` with those that a configuration file stands for, which the others win against.
fn with_file(mut words: Vec<OsString>) -> Result<Vec<OsString>, UsageError> {
    let program = Args::command();
    let lenient = program.clone().mut_subcommands(|command| {
        // The file may give it.
        command.mut_args(|arg| arg.required(false))
    });
    // What is wrong with the words is said later.
    let Ok(matches) = lenient.try_get_matches_from(&words) else {
        return Ok(words);
    };
    let Some((name, typed)) = matches
        .subcommand()
        .filter(|(name, _)| WITH_FILE.contains(name))
    else {
        return Ok(words);
    };
    let (Some(path), Some(run), Some(command)) = (
        typed.get_one::<PathBuf>("config"),
        program.find_subcommand(RUN),
        program.find_subcommand(name),
    ) else {
        return Ok(words);
    };
    for Setting { id, words: more } in file::read(path, run)? {
        let is_option = command.get_arguments().any(|arg| arg.get_id() == &id);
        if is_option && typed.value_source(&id) != Some(ValueSource::CommandLine) {
            words.extend(more);
        }
    }
    Ok(words)
}

/// The options of `run` with their values.
fn options(matches: &ArgMatches) -> BTreeMap<String, Vec<OsString>> {
    let program = Args::command();
    let run = program.find_subcommand(RUN).into_iter();
    let option = |arg: &Arg| {
        let typed = matches.subcommand_matches(RUN)?;
        let values = typed.get_raw(arg.get_id().as_str())?;
        let values = values.map(OsString::from).collect();
        Some((arg.get_long()?.to_owned(), values))
    };
    run.flat_map(file::keys).filter_map(option).collect()
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
