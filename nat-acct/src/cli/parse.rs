//! From the words of the command line to what is meant. Help and version are no errors, yet
//! nothing is to be done after them.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches as _, error::ErrorKind, parser::ValueSource,
};
use nix::unistd::{SysconfVar, sysconf};

use super::{Args, Invocation, UsageError, file};

/// The command that a configuration file is for.
const RUN: &str = "run";
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
    let command = Args::command().mut_subcommand(RUN, |run| {
        // The file may give it.
        run.mut_args(|arg| arg.required(false))
    });
    // What is wrong with the words is said later.
    let Ok(matches) = command.clone().try_get_matches_from(&words) else {
        return Ok(words);
    };
    let Some((run, typed)) = of_run(&command, &matches) else {
        return Ok(words);
    };
    if let Some(path) = typed.get_one::<PathBuf>("config") {
        let settings = file::read(path, run)?.into_iter();
        let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
        let wanted = settings.filter(|setting| !is_typed(&setting.id));
        words.extend(wanted.flat_map(|setting| setting.words));
    }
    Ok(words)
}

fn options(matches: &ArgMatches) -> BTreeMap<String, Vec<OsString>> {
    let command = Args::command();
    let Some((run, typed)) = of_run(&command, matches) else {
        return BTreeMap::new();
    };
    let option = |arg: &clap::Arg| {
        let values = typed.get_raw(arg.get_id().as_str())?;
        Some((
            arg.get_long()?.to_owned(),
            values.map(OsString::from).collect(),
        ))
    };
    file::keys(run).filter_map(option).collect()
}

fn of_run<'a>(
    command: &'a clap::Command,
    matches: &'a ArgMatches,
) -> Option<(&'a clap::Command, &'a ArgMatches)> {
    Some((
        command.find_subcommand(RUN)?,
        matches.subcommand_matches(RUN)?,
    ))
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
