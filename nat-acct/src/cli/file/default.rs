//! The file that a package brings: every key with its help, and with its default in a comment.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, CommandFactory as _};

use crate::cli::{
    RELOADED,
    args::{Args, DEFAULT_PIN, DEFAULT_STATUS_SOCKET},
};

const WIDTH: usize = 78;
/// What a service wants otherwise than somebody who types.
const OF_A_SERVICE: [(&str, &str); 4] = [
    ("output", "/var/log/nat-acct/nat-acct.jsonl"),
    ("rotate-every", "1d"),
    ("pin", DEFAULT_PIN),
    ("status-socket", DEFAULT_STATUS_SOCKET),
];
/// A value of what has no default, where the name of the value in the help is none itself.
const EXAMPLES: [(&str, &str); 4] = [
    ("update-every", "1h"),
    ("rotate-size", "1GB"),
    ("keep-for", "180d"),
    ("keep-size", "10GB"),
];
const HEAD: &str = "\
# The configuration of nat-acct(1). A key is the long option of `nat-acct run`; what is given on
# the command line wins. `nat-acct config check` says whether this file is in order, and SIGHUP
# (`systemctl reload nat-acct`) has the keys that say so read again. See nat-acct.toml(5).
";

/// A key of a configuration file, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The long option of `run`.
    pub name: String,
    /// What there is to say of it, in paragraphs.
    pub explained: Vec<String>,
    /// The default, or else what a value looks like, as TOML.
    pub example: String,
}

/// All keys, in the order of the help.
pub fn keys() -> Vec<Key> {
    let program = Args::command();
    let run = program.find_subcommand("run").into_iter();
    let key = |arg: &Arg| Key {
        name: arg.get_long().unwrap_or_default().to_owned(),
        explained: explained(arg),
        example: example(arg),
    };
    run.flat_map(super::keys).map(key).collect()
}

/// A configuration for a service, in which `inside` and `outside` are to be filled in.
pub fn default_config() -> String {
    let entries = keys().into_iter().map(|key| entry(&key));
    std::iter::once(HEAD.to_owned()).chain(entries).collect()
}

fn entry(key: &Key) -> String {
    let Key { name, example, .. } = key;
    let mut text = String::from("\n");
    for paragraph in &key.explained {
        for line in wrapped(paragraph) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# {line}");
        }
    }
    let preset = OF_A_SERVICE.iter().find(|(preset, _)| preset == name);
    let _ = match preset {
        Some((_, value)) => writeln!(text, "{name} = {value:?}"),
        None => writeln!(text, "#{name} = {example}"),
    };
    text
}

fn explained(arg: &Arg) -> Vec<String> {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut all = vec![sentence(help.map(ToString::to_string))];
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
    for value in arg.get_possible_values().iter().filter(|_| !is_flag) {
        let meaning = sentence(value.get_help().map(ToString::to_string));
        all.push(format!("\"{}\": {meaning}", value.get_name()));
    }
    let key = arg.get_long().unwrap_or_default();
    if arg.is_required_set() {
        all.push("This key is needed.".to_owned());
    }
    if RELOADED.contains(&key) {
        all.push("Read again on SIGHUP.".to_owned());
    }
    all
}

/// With the full stop that clap takes away.
fn sentence(help: Option<String>) -> String {
    let help = help.unwrap_or_default();
    let is_whole = help.is_empty() || help.ends_with('.');
    if is_whole { help } else { help + "." }
}

/// The default, or else what a value looks like.
fn example(arg: &Arg) -> String {
    let default = arg.get_default_values().first();
    let default = default.map(|value| value.to_string_lossy().into_owned());
    let name = || {
        let names = arg.get_value_names().and_then(<[_]>::first);
        let key = arg.get_long().unwrap_or_default();
        match EXAMPLES.iter().find(|(name, _)| *name == key) {
            Some((_, value)) => (*value).to_owned(),
            None => names.map(ToString::to_string).unwrap_or_default(),
        }
    };
    match arg.get_action() {
        ArgAction::SetTrue => "false".to_owned(),
        ArgAction::Append => format!("[{:?}]", default.unwrap_or_else(name)),
        _ => {
            let value = default.unwrap_or_else(name);
            match value.parse::<u64>() {
                Ok(number) => number.to_string(),
                Err(_) => format!("{value:?}"),
            }
        }
    }
}

fn wrapped(paragraph: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        let line = lines.last().map_or(0, String::len);
        if line > 0 && line + 1 + word.len() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
