//! The log as another process sees it.

use std::{
    env,
    process::{Command, exit},
};

use tracing::Level;

/// Set in the process that logs.
const LOGGER: &str = "NAT_ACCT_TEST_LOGGER";

#[test]
fn events_of_both_facades_are_plain_lines_in_utc() {
    if env::var_os(LOGGER).is_some() {
        log_and_exit();
    }
    let lines = logged("events_of_both_facades_are_plain_lines_in_utc");
    let (times, events): (Vec<_>, Vec<_>) =
        lines.iter().filter_map(|line| line.split_once(' ')).unzip();
    assert_eq!(
        events,
        [" INFO attached interface=\"br0\"", " WARN from the kernel",]
    );
    for time in times {
        assert_eq!(time.len(), "2026-11-22T09:43:23.731605Z".len(), "{time}");
        time.parse::<jiff::Timestamp>().unwrap();
    }
}

fn log_and_exit() {
    nat_acct::log::init(Level::INFO);
    nat_acct::log::init(Level::TRACE);
    tracing::info!(interface = "br0", "attached");
    tracing::debug!("not of this level");
    log::warn!("from the kernel");
    log::debug!("not of this level");
    exit(0);
}

fn logged(test: &str) -> Vec<String> {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(LOGGER, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().map(str::to_owned).collect()
}
