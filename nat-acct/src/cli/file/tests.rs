//! Files and the words that they stand for, or what is said about them.

use clap::{CommandFactory as _, FromArgMatches as _};

use super::*;
use crate::cli::args::Args;

#[test]
fn a_key_is_a_word() {
    check("", &[]);
    check("# nothing\n", &[]);
    check("inside = \"br0\"", &["--inside=br0"]);
    check(
        "inside = [\"br0\", \"br1\"]",
        &["--inside=br0", "--inside=br1"],
    );
    check("max-connections = 1_000", &["--max-connections=1000"]);
    check("max-connections = 0x10", &["--max-connections=16"]);
    check("output = \"--odd\"", &["--output=--odd"]);
    check(
        "linger = \"5s\"\nformat = \"compact\"",
        &["--linger=5s", "--format=compact"],
    );
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    refuse(
        "\nidle-timeuot = \"1s\"",
        2,
        "there is no key 'idle-timeuot', but 'idle-timeout'",
    );
    refuse("hooks = \"tcx\"", 1, "there is no key 'hooks', but 'hook'");
    refuse("elephant = 1", 1, "there is no key 'elephant'");
    refuse("config = \"x\"", 1, "there is no key 'config'");
    refuse("help = true", 1, "there is no key 'help'");
    refuse(
        "[output]\nfile = 1",
        1,
        "'output' wants a string or a whole number",
    );
    refuse("pin = true", 1, "'pin' wants a string or a whole number");
    refuse(
        "pin = [\"/x\"]",
        1,
        "'pin' wants a string or a whole number",
    );
    refuse(
        "\n\nlinger = 5",
        3,
        "invalid value '5' for '--linger <TIME>': want a number with a unit, such as 90s or 2h4m",
    );
    refuse(
        "hook = \"xdp\"",
        1,
        "invalid value 'xdp' for '--hook <HOOK>' [possible values: auto, tcx, clsact]",
    );
    refuse("linger = \"1s\"\nlinger = \"2s\"", 2, "duplicate key");
    refuse("inside = [\"br0\"", 1, "unclosed array, expected `]`");
}

/// An option that is added, but cannot stand in a file, or has no help, is found here.
#[test]
fn every_option_is_a_key_that_the_default_explains() {
    let text = default_config();
    let program = Args::command();
    let run = program.find_subcommand("run").expect("it is there");
    let all = run.get_arguments().filter_map(clap::Arg::get_long);
    for name in all.filter(|name| !NO_KEYS.contains(name)) {
        let line = text.lines().position(|line| {
            let line = line.trim_start_matches('#');
            line.starts_with(&format!("{name} = "))
        });
        let line = line.unwrap_or_else(|| panic!("{name} is missing"));
        let above = text.lines().nth(line - 1).unwrap_or_default();
        assert!(above.starts_with("# "), "{name} is not explained");
    }
}

/// With the two interfaces filled in, and all that is commented out taken in, too.
#[test]
fn the_default_configuration_means_the_defaults() {
    let program = Args::command();
    let run = program.find_subcommand("run").expect("it is there");
    let filled = default_config()
        .replace("#inside = [\"IF\"]", "inside = \"br0\"")
        .replace("#outside = [\"IF\"]", "outside = \"eth1\"");
    let settings = parse(&filled, run).expect("it is in order");
    assert_eq!(
        settings
            .iter()
            .map(|setting| &*setting.id)
            .collect::<Vec<_>>(),
        [
            "inside",
            "outside",
            "output",
            "rotate_every",
            "pin",
            "status_socket"
        ]
    );
    let whole: Vec<_> = filled
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .collect();
    let settings = parse(&whole.join("\n"), run).expect("it is in order");
    let words = settings.into_iter().flat_map(|setting| setting.words);
    let words = ["nat-acct", "run"]
        .map(OsString::from)
        .into_iter()
        .chain(words);
    let matches = Args::command()
        .try_get_matches_from(words)
        .expect("all of them");
    Args::from_arg_matches(&matches).expect("all of them");
}

#[test]
fn what_is_read_again_is_an_option() {
    let program = Args::command();
    let run = program.find_subcommand("run").expect("it is there");
    for name in crate::cli::RELOADED {
        assert!(keys(run).any(|arg| arg.get_long() == Some(name)), "{name}");
    }
}

fn check(text: &str, expect: &[&str]) {
    let words = of_run(text).expect("it is in order");
    assert_eq!(words, expect.iter().map(OsString::from).collect::<Vec<_>>());
}

fn refuse(text: &str, expect_line: usize, expect: &str) {
    let (at, what) = of_run(text).expect_err("it is not in order");
    assert_eq!((line(text, at), &*what), (expect_line, expect), "{text}");
}

fn of_run(text: &str) -> Result<Vec<OsString>, (usize, String)> {
    let program = Args::command();
    let run = program.find_subcommand("run").expect("it is there");
    let settings = parse(text, run)?.into_iter();
    Ok(settings.flat_map(|setting| setting.words).collect())
}
