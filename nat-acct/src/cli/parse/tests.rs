//! Command lines and what they mean, or what is said about them.

use std::{os::unix::ffi::OsStringExt, time::Duration};

use tracing::Level;

use super::*;
use crate::{
    agent::{Address, DetachConfig},
    cli::{HookChoice, RunConfig},
    engine::{Interim, Timeouts},
    record::{Format, Remotes},
    replay::{Config, Input, Source, Which},
    sink::{Keep, Output, Rotation},
};

const SECOND: u64 = 1_000_000_000;
const RUN: &str = "run --inside br0 --outside eth1";

#[test]
fn the_defaults_are_those_of_the_design() {
    let config = RunConfig {
        inside: vec!["br0".into()],
        outside: vec!["eth1".into()],
        output: Output::Standard,
        rotation: None,
        format: Format::Ecs,
        remotes: Remotes::Told,
        interim: Interim::default(),
        max_connections: 65_536,
        timeouts: Timeouts {
            idle_ns: 7440 * SECOND,
            opening_ns: 120 * SECOND,
            closing_ns: 120 * SECOND,
            linger_ns: SECOND,
            close_on_first_fin: false,
        },
        ring_bytes: 1 << 20,
        pin: None,
        hook: HookChoice::Auto,
        metrics: None,
        status_socket: None,
        landlock: true,
        log_level: Level::INFO,
        file: None,
        options: BTreeMap::new(),
    };
    assert_eq!(meant(RUN), Ok(Invocation::Run(config)));
}

#[test]
fn every_option_arrives() {
    let config = RunConfig {
        inside: vec!["br0".into(), "br1".into()],
        outside: vec!["eth1".into(), "ppp0".into()],
        output: Output::File("/x/y".into()),
        rotation: Some(Rotation {
            size_bytes: Some(1_000_000),
            every: Some(Duration::from_secs(86_400)),
            compressed: false,
            keep: Keep {
                for_time: Some(Duration::from_secs(180 * 86_400)),
                bytes: Some(1 << 30),
            },
        }),
        format: Format::Compact,
        remotes: Remotes::LeftOut,
        interim: Interim {
            starts: true,
            every_ns: Some(3600 * SECOND),
        },
        max_connections: 16_777_216,
        timeouts: Timeouts {
            idle_ns: SECOND,
            opening_ns: 2 * SECOND,
            closing_ns: 3 * SECOND,
            linger_ns: 0,
            close_on_first_fin: true,
        },
        ring_bytes: 1 << 30,
        pin: None,
        hook: HookChoice::Auto,
        metrics: Some(Address::Unix("/run/m".into())),
        status_socket: Some("/run/s".into()),
        landlock: false,
        log_level: Level::TRACE,
        file: None,
        options: BTreeMap::new(),
    };
    let typed = "run --inside br0 --inside=br1 --outside eth1 --outside ppp0 --output /x/y \
                 --format compact --close-on first-fin --max-connections 16777216 --linger 0s \
                 --idle-timeout 1s --opening-timeout 2s --closing-timeout 3s \
                 --ring-bytes 1073741824 --landlock off --log-level trace \
                 --no-destination --start-records --update-every 1h --metrics /run/m \
                 --status-socket /run/s --rotate-size 1MB --rotate-every 1d \
                 --rotate-compress off --keep-for 180d --keep-size 1GiB";
    assert_eq!(meant(typed), Ok(Invocation::Run(config)));
}

/// The words win, and what `detach` has no option for is left alone.
#[test]
fn detach_goes_by_the_file_of_the_agent() {
    let name = format!("nat-acct-{}.toml", std::process::id());
    let file = std::env::temp_dir().join(name);
    let text = "inside = \"br0\"\npin = \"/x\"\noutput = \"/y\"\nformat = \"compact\"\n\
                no-destination = true\nidle-timeout = \"1h\"\n";
    std::fs::write(&file, text).expect("a file");
    let meant = meant(&format!("detach --config {} --output -", file.display()));
    std::fs::remove_file(&file).expect("it is there");
    let config = DetachConfig {
        pin: "/x".into(),
        output: Output::Standard,
        format: Format::Compact,
        remotes: Remotes::LeftOut,
        log_level: Level::INFO,
    };
    assert_eq!(meant, Ok(Invocation::Detach(config)));
}

#[test]
fn a_schema_has_a_format() {
    assert_eq!(meant("schema ecs"), Ok(Invocation::Schema(Format::Ecs)));
    assert_eq!(
        meant("schema compact"),
        Ok(Invocation::Schema(Format::Compact))
    );
}

#[test]
fn captures_of_one_side_each_or_of_both() {
    let source = |name: &str| Source::from(OsString::from(name));
    let several = Input::Several {
        inside: vec![source("a"), Source::Standard],
        outside: vec![source("./-")],
    };
    check_input("--inside a --inside - --outside ./-", several);
    let one = Input::One {
        capture: Source::Standard,
        inside: vec![Which::Name("br0".into()), Which::Number(3)],
        outside: vec![Which::Name("#x".into())],
    };
    check_input("- --inside br0 --inside #3 --outside #x", one);
}

#[test]
fn every_option_of_replay_arrives() {
    let config = Config {
        input: Input::Several {
            inside: vec![Source::File("a".into())],
            outside: vec![],
        },
        output: Output::File("/x/y".into()),
        format: Format::Compact,
        remotes: Remotes::LeftOut,
        interim: Interim {
            starts: true,
            every_ns: Some(3600 * SECOND),
        },
        timeouts: Timeouts {
            idle_ns: 1_000_000_000,
            opening_ns: 2_000_000_000,
            closing_ns: 3_000_000_000,
            linger_ns: 0,
            close_on_first_fin: true,
        },
        inside_nets: vec!["129.125.0.0/16".parse().unwrap()],
        local_addresses: vec!["203.0.113.1".parse().unwrap()],
        clock_slack_ns: 60_000_000_000,
        mtu: 9000,
    };
    let typed = "replay --inside a --output /x/y --format compact --close-on first-fin \
                 --linger 0s --idle-timeout 1s --opening-timeout 2s --closing-timeout 3s \
                 --inside-net 129.125.0.0/16 --local 203.0.113.1 --clock-slack 1m --mtu 9000 \
                 --no-destination --start-records --update-every 1h";
    assert_eq!(meant(typed), Ok(Invocation::Replay(config)));
}

#[test]
fn a_capture_is_named_once() {
    refuse(
        "replay --inside a --outside a",
        "--outside a was given before: name each capture or interface once",
    );
    refuse(
        "replay - --inside #1 --inside #1",
        "--inside #1 was given before: name each capture or interface once",
    );
    refuse(
        "replay --inside=",
        "--inside wants a capture, or an interface in one",
    );
    refuse(
        "replay both",
        "the following required arguments were not provided: --inside <FILE|IF>",
    );
}

#[test]
fn an_interface_is_named_once() {
    refuse(
        "run --inside br0 --outside br0",
        "--outside br0 is also --inside br0: name each interface once",
    );
    refuse(
        "run --inside br0 --inside br0 --outside eth1",
        "--inside br0 is also --inside br0: name each interface once",
    );
    refuse(
        "run --inside br0 --outside eth1 --outside eth1",
        "--outside eth1 is also --outside eth1: name each interface once",
    );
    refuse(
        "run --inside= --outside eth1",
        "--inside wants the name of an interface",
    );
}

#[test]
fn sixteen_interfaces_are_the_most() {
    let inside = |count| {
        (0..count)
            .map(|i| format!(" --inside i{i}"))
            .collect::<String>()
    };
    assert!(meant(&format!("run --outside eth1{}", inside(16))).is_ok());
    refuse(
        &format!("run --outside eth1{}", inside(17)),
        "more than 16 times --inside",
    );
}

#[test]
fn a_ring_is_whole_pages_and_a_power_of_two() {
    for ring_bytes in [1, page_bytes() / 2, page_bytes() + 1, page_bytes() * 3] {
        let expect = format!(
            "--ring-bytes {ring_bytes} is not a power of two, at least {} (a page)",
            page_bytes()
        );
        refuse_option(&format!("--ring-bytes {ring_bytes}"), &expect);
    }
    assert!(meant(&format!("{RUN} --ring-bytes 65536")).is_ok());
}

#[test]
fn what_clap_refuses_is_one_line() {
    refuse(
        "",
        "'nat-acct' requires a subcommand but one was not provided [subcommands: run, detach, status, replay, store, who, schema, config, help]",
    );
    refuse("walk", "unrecognized subcommand 'walk'");
    refuse(
        "run --inside br0",
        "the following required arguments were not provided: --outside <IF>",
    );
    refuse_option(
        "--outsid eth2",
        "unexpected argument '--outsid' found; a similar argument exists: '--outside'",
    );
    refuse_option("extra", "unexpected argument 'extra' found");
    refuse_option(
        "--format xml",
        "invalid value 'xml' for '--format <FORMAT>' [possible values: ecs, compact]",
    );
    refuse_option(
        "--max-connections 0",
        "invalid value '0' for '--max-connections <N>': 0 is not in 1..=16777216",
    );
    refuse_option(
        "--linger 90",
        "invalid value '90' for '--linger <TIME>': want a number with a unit, such as 90s or 2h4m",
    );
}

#[test]
fn help_is_that_of_the_command() {
    check_help("", "nat-acct --help");
    check_help("walk", "nat-acct --help");
    check_help("--outsid eth1", "nat-acct --help");
    check_help("run --outsid eth1", "nat-acct run --help");
    check_help("run --inside br0 --outside br0", "nat-acct run --help");
    check_help("schema xml", "nat-acct schema --help");
}

#[test]
fn help_and_version_are_answers() {
    for typed in ["--help", "run --help", "--version", "help run"] {
        assert!(matches!(meant(typed), Err(Refusal::Answer(_))), "{typed}");
    }
}

#[test]
fn a_name_need_not_be_text() {
    let name = OsString::from_vec(b"br\xff".to_vec());
    let words = ["nat-acct", "run", "--outside", "eth1", "--inside"];
    let words = words.map(OsString::from).into_iter().chain([name.clone()]);
    let Ok(Invocation::Run(config)) = parse(words) else {
        panic!("refused");
    };
    assert_eq!(config.inside, [name]);
}

#[test]
fn the_definition_of_the_options_is_sound() {
    Args::command().debug_assert();
}

#[track_caller]
fn check_input(typed: &str, expect: Input) {
    match meant(&format!("replay {typed}")) {
        Ok(Invocation::Replay(config)) => assert_eq!(config.input, expect),
        other => panic!("{other:?}"),
    }
}

fn check_help(typed: &str, expect: &str) {
    match meant(typed) {
        Err(Refusal::Usage { help, .. }) => assert_eq!(help, expect, "{typed}"),
        other => panic!("{typed}: {other:?}"),
    }
}

fn refuse_option(typed: &str, expect: &str) {
    refuse(&format!("{RUN} {typed}"), expect);
}

fn refuse(typed: &str, expect: &str) {
    match meant(typed) {
        Err(Refusal::Usage { error, .. }) => assert_eq!(error.to_string(), expect, "{typed}"),
        other => panic!("{typed}: {other:?}"),
    }
}

/// Without the options as they were typed.
fn meant(typed: &str) -> Result<Invocation, Refusal> {
    let mut meant = parse(std::iter::once("nat-acct").chain(typed.split_whitespace()));
    if let Ok(Invocation::Run(run)) = &mut meant {
        run.options.clear();
    }
    meant
}
