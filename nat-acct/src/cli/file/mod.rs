//! The configuration file: TOML, whose keys are the long options of `run`. A file stands for words of
//! a command line, so that whatever is said of an option, its name, its values and its default, is
//! said once, in [`super::args`].

mod default;
mod value;

use std::{ffi::OsString, fs, path::Path};

use clap::{ArgAction, Command, error::ErrorKind};
use strsim::damerau_levenshtein;
use toml::de::DeTable;

pub use self::default::{Key, default_config, keys as explained_keys};
use super::UsageError;

/// Where a service finds it.
pub const DEFAULT_FILE: &str = "/etc/nat-acct/nat-acct.toml";
/// Options that are none of accounting: no keys.
const NO_KEYS: [&str; 3] = ["config", "help", "version"];
/// With more slips of the finger than one in so many letters, something else was meant.
const LETTERS_PER_SLIP: usize = 3;

/// What a file says of one option.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// By what name clap knows the option.
    pub(super) id: String,
    /// The same, as it would be typed.
    pub(super) words: Vec<OsString>,
}

/// Reads a file of options of `command`.
pub(super) fn read(path: &Path, command: &Command) -> Result<Vec<Setting>, UsageError> {
    let text = fs::read_to_string(path).map_err(|error| UsageError::Unreadable {
        path: path.to_owned(),
        cause: error.to_string(),
    })?;
    parse(&text, command).map_err(|(at, what)| UsageError::Configuration {
        path: path.to_owned(),
        line: line(&text, at),
        what,
    })
}

/// An error is where in the text, and what.
fn parse(text: &str, command: &Command) -> Result<Vec<Setting>, (usize, String)> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (at, error.message().replace('\n', ", "))
    })?;
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    // The first error is the one to be said.
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut settings = Vec::new();
    for (key, value) in entries {
        let setting = setting(key.get_ref(), value.get_ref(), command);
        settings.push(setting.map_err(|what| (key.span().start, what))?);
    }
    Ok(settings)
}

fn setting(key: &str, value: &toml::de::DeValue<'_>, command: &Command) -> Result<Setting, String> {
    let arg = keys(command).find(|arg| arg.get_long() == Some(key));
    let arg = arg.ok_or_else(|| unknown(key, command))?;
    let words = match arg.get_action() {
        ArgAction::SetTrue => value::flag(key, value)?,
        ArgAction::Append => value::several(key, value)?,
        _ => vec![value::one(key, value)?],
    };
    check(&words, command)?;
    Ok(Setting {
        id: arg.get_id().to_string(),
        words: words.into_iter().map(OsString::from).collect(),
    })
}

/// The options that may stand in a file, in the order of the help.
pub(super) fn keys(command: &Command) -> impl Iterator<Item = &clap::Arg> {
    command.get_arguments().filter(|arg| {
        let long = arg.get_long();
        long.is_some_and(|long| !NO_KEYS.contains(&long))
    })
}

/// Whether the value is one of the option, whatever else is given.
fn check(words: &[String], command: &Command) -> Result<(), String> {
    let alone = command.clone().mut_args(|arg| arg.required(false));
    let words = std::iter::once("nat-acct").chain(words.iter().map(String::as_str));
    match alone.no_binary_name(false).try_get_matches_from(words) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidValue | ErrorKind::ValueValidation
            ) =>
        {
            Err(UsageError::of_clap(&error).to_string())
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn unknown(key: &str, command: &Command) -> String {
    let names = keys(command).filter_map(clap::Arg::get_long);
    let nearest = names
        .map(|name| (damerau_levenshtein(key, name), name))
        .min()
        .filter(|(slips, name)| *slips <= name.len() / LETTERS_PER_SLIP);
    match nearest {
        Some((_, name)) => format!("there is no key '{key}', but '{name}'"),
        None => format!("there is no key '{key}'"),
    }
}

/// Counts from 1.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests;
